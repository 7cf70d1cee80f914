# The memory that get_buffer() hands out.

@cython.final
@cython.no_gc
cdef class _Window:
    """The memory that a memoryview of get_buffer() shows; it lives as long as the view."""

    cdef PyObject *owner  # the object under construction
    cdef char *start
    cdef Py_ssize_t size

    def __getbuffer__(self, Py_buffer *view, int flags):
        Py_XDECREF(<PyObject *>view.obj)  # the None that Cython puts there, which is overwritten
        PyBuffer_FillInfo(view, self, self.start, self.size, False, flags)

    def __dealloc__(self):
        Py_XDECREF(self.owner)


cdef _Window window_on(PyObject *owner, char *start, Py_ssize_t size):
    cdef _Window window = _Window.__new__(_Window)
    Py_INCREF(owner)
    window.owner = owner
    window.start = start
    window.size = size
    return window
