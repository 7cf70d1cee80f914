# What of Python's own interface Cython does not declare, or declares otherwise.

cdef extern from "Python.h":
    # Declared with raw pointers: Cython's own declarations count references on the way.
    int _PyBytes_Resize(PyObject **bytes, Py_ssize_t size) except -1
    PyObject *PyBytes_New "PyBytes_FromStringAndSize"(const char *data, Py_ssize_t size) except NULL
    char *PyBytes_Data "PyBytes_AS_STRING"(PyObject *bytes)
    Py_ssize_t PyBytes_Size "PyBytes_GET_SIZE"(PyObject *bytes)
    Py_ssize_t PyNumber_AsSsize_t(object number, void *none) except? -1  # clips what is larger
    Py_ssize_t Py_REFCNT(PyObject *o)
    void Py_XDECREF(PyObject *o)
    void Py_INCREF(PyObject *o)
    void Py_XINCREF(PyObject *o)
    void Py_CLEAR(PyObject *o)
    bint PyUnicode_IS_ASCII(object text)
    int PyUnicode_KIND(object text)
    void *PyUnicode_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    object PyUnicode_New(Py_ssize_t size, Py_UCS4 largest)
    PyObject *PyUnicode_Raw "PyUnicode_New"(Py_ssize_t size, Py_UCS4 largest) except NULL
    int PyUnicode_Resize(PyObject **text, Py_ssize_t size) except -1
    char *PyUnicode_RawData "PyUnicode_DATA"(PyObject *text)
    Py_ssize_t PyUnicode_RawSize "PyUnicode_GET_LENGTH"(PyObject *text)
    str PyUnicode_FromOrdinal(int c)

cdef extern from *:
    """
    #ifdef Py_GIL_DISABLED
    #define FWS_ONE_THREAD 0
    #else
    #define FWS_ONE_THREAD 1
    #endif

    /* Where memory runs out in the right moment, CPython loses the exception that a Python function
     * was to raise, and a traceback of none is a crash. */
    #define PyTraceBack_Here(frame) \
        (PyErr_Occurred() ? PyTraceBack_Here(frame) : (PyErr_NoMemory(), -1))
    """
    bint FWS_ONE_THREAD
