# cython: language_level=3
"""_members.h for test_members.py, with what it calls made to fail where that is asked for."""

cdef extern from *:
    """
    #include <Python.h>

    static int failing; /* 1: memory, 2: the descriptor */

    static void *calloc_or_not(size_t n, size_t size) {
        return failing == 1 ? NULL : PyMem_Calloc(n, size);
    }

    static PyObject *member_or_not(PyTypeObject *type, PyMemberDef *member) {
        if (failing != 2) return PyDescr_NewMember(type, member);
        PyErr_SetString(PyExc_RuntimeError, "no descriptor");
        return NULL;
    }

    #define PyMem_Calloc calloc_or_not
    #define PyDescr_NewMember member_or_not
    #include "_members.h"
    """
    int failing
    ctypedef struct PyTypeObject:
        pass
    Py_ssize_t fws_offset_of(object holder, object held)
    int fws_add_member(
        PyTypeObject *type, const char *name, Py_ssize_t offset, const char *doc
    ) except -1


def offset_of(holder, held):
    return fws_offset_of(holder, held)


def add_member(type owner, bytes name, Py_ssize_t offset, int fail=0):
    global failing
    failing = fail
    try:
        fws_add_member(<PyTypeObject *>owner, name, offset, b"documented")
    finally:
        failing = 0
