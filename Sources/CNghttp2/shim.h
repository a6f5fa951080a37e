// nghttp2's public header; the library is the system's.

#include <nghttp2/nghttp2.h>
