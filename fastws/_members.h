/* Attributes that CPython reads without a call.
 *
 * An attribute of a Cython class is a getter function. What the loop of every caller reads (the
 * data of an event, the payload of a frame) is made a member of the object instead: CPython's
 * interpreter specialises the reading of those.
 */
#ifndef FASTWS_MEMBERS_H
#define FASTWS_MEMBERS_H

#include <Python.h>
#include <structmember.h>

/* Where in `holder` the pointer to `held` lies; -1 where it does not. Cython gives no offsets. */
static Py_ssize_t fws_offset_of(PyObject *holder, PyObject *held) {
    Py_ssize_t end = Py_TYPE(holder)->tp_basicsize - (Py_ssize_t)sizeof held;
    Py_ssize_t at = (Py_ssize_t)sizeof *holder;
    for (; at <= end; at += (Py_ssize_t)sizeof held) /* GCOVR_EXCL_BR_LINE: it is found before */
        if (*(PyObject **)((char *)holder + at) == held) return at;
    return -1; /* GCOVR_EXCL_LINE: it is found before */
}

/* Put a member in the place of the getter of the same name, with its documentation. `doc` has to
 * live as long as the type. */
static int fws_add_member(PyTypeObject *type, const char *name, Py_ssize_t offset,
                          const char *doc) {
    /* GCOVR_EXCL_START: offsets are found, and without memory no import comes as far as here */
    if (offset < 0) {
        PyErr_SetString(PyExc_SystemError, "no such pointer in the object");
        return -1;
    }
    PyMemberDef *member = PyMem_Calloc(1, sizeof *member); /* lives as long as the type */
    if (member == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    /* GCOVR_EXCL_STOP */
    member->name = name;
    member->type = T_OBJECT_EX;
    member->offset = offset;
    member->flags = READONLY;
    member->doc = doc;
    PyObject *descriptor = PyDescr_NewMember(type, member);
    if (descriptor == NULL) return -1; /* GCOVR_EXCL_BR_LINE: as above, memory */
    int failed = PyDict_SetItemString(type->tp_dict, name, descriptor);
    Py_DECREF(descriptor);
    PyType_Modified(type);
    return failed;
}

#endif
