#ifndef SLIPWAY_CZLIB_H
#define SLIPWAY_CZLIB_H
#include <zlib.h>
/* zlib's initialisers are macros; 16 asks for a gzip wrapper and 15 for the largest window. */
static inline int slipway_deflate_gzip(z_stream *stream, int level) {
  return deflateInit2(stream, level, Z_DEFLATED, 16 + 15, 8, Z_DEFAULT_STRATEGY);
}
static inline int slipway_inflate_gzip(z_stream *stream) { return inflateInit2(stream, 16 + 15); }
/* gzip's wrapper or zlib's, whichever it is; and none. */
static inline int slipway_inflate_wrapped(z_stream *stream) { return inflateInit2(stream, 32 + 15); }
static inline int slipway_inflate_bare(z_stream *stream) { return inflateInit2(stream, -15); }
#endif
