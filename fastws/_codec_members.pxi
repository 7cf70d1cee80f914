# The attributes that every caller's loop reads, made members: see _members.h.

cdef extern from "_members.h":
    Py_ssize_t fws_offset_of(object holder, object held)
    int fws_add_member(
        PyTypeObject *type, const char *name, Py_ssize_t offset, const char *doc
    ) except -1

cdef extern from "Python.h":
    ctypedef struct PyTypeObject:
        pass
    const char *PyUnicode_AsUTF8(object text) except NULL


cdef list _documentation = []  # kept alive: the members point into it


cdef int make_member(type owner, const char *name, Py_ssize_t offset) except -1:
    doc = getattr(owner, name.decode()).__doc__
    _documentation.append(doc)
    return fws_add_member(<PyTypeObject *>owner, name, offset, PyUnicode_AsUTF8(doc))


cdef int make_members() except -1:
    cdef object mark = b"a mark to be found"
    for kind in (Text, Binary, Ping, Pong):
        make_member(kind, "data", fws_offset_of(kind(mark), mark))
    make_member(Frame, "payload", fws_offset_of(Frame(0, mark), mark))
    return 0


make_members()
