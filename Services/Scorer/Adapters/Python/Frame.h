/* What adapter and worker say to each other: a header, then items with the place of their contents in the sender's
 * region. Worker/slipway/_channel.py is the other side. */
#ifndef PYTHON_FRAME_H
#define PYTHON_FRAME_H

#include "Region.h"

#include <slipway_adapter.h>

#include <stdbool.h>

enum {
    FRAME_CONFIGURE = 1,
    FRAME_EXECUTE = 2,
    FRAME_READY = 3,
    FRAME_FAILED = 4,
    FRAME_ANSWER = 5,
    FRAME_ERROR = 6,
};
/* Flags of READY. */
enum { FRAME_IS_DOCUMENT = 1, FRAME_WANTS_CONTEXT = 2 };
/* Flags of ANSWER and ERROR: the script still uses the request's memory; the worker ends. */
enum { FRAME_RETAINED = 1, FRAME_ENDING = 2 };
/* Datatypes of items that are no tensors. */
enum { FRAME_RAW = 0, FRAME_WANTED = 255 };
enum { FRAME_CAPACITY = 64 * 1024, FRAME_MOST_DIMENSIONS = 32 };

typedef struct python_frame_header {
    uint32_t kind;
    uint32_t flags;
    uint64_t region;
    uint32_t count;
    uint32_t code;
} python_frame_header;

typedef struct python_frame_item_header {
    uint8_t datatype;
    uint8_t rank;
    uint16_t name_size;
    uint32_t reserved;
    uint64_t offset;
    uint64_t size;
} python_frame_item_header;

_Static_assert(sizeof(python_frame_header) == 24, "both sides read the same layout");
_Static_assert(sizeof(python_frame_item_header) == 24, "both sides read the same layout");

/* An item as it was read; pointers into frame and region. */
typedef struct python_frame_item {
    uint8_t datatype;
    uint32_t rank;
    int64_t shape[FRAME_MOST_DIMENSIONS];
    slipway_bytes name;
    slipway_bytes content;
} python_frame_item;

typedef struct python_frame {
    uint8_t bytes[FRAME_CAPACITY];
    uint64_t size;   /* of the frame */
    uint64_t place;  /* in the region, when writing; in the frame, when reading */
    uint32_t count;
    bool failed;     /* too large, or memory ran out, when writing; damaged, when reading */
} python_frame;

/* Writing: begin, add items, end. Contents are copied into the region, 64 bytes apart. */
void python_frame_begin(python_frame *frame, uint32_t kind);
void python_frame_add(
    python_frame *frame, python_region *region, uint8_t datatype, slipway_bytes name, const int64_t *shape,
    uint32_t rank, slipway_bytes content);
void python_frame_text(python_frame *frame, python_region *region, const char *name, const char *text);
bool python_frame_end(python_frame *frame, const python_region *region);

/* Reading: open, then take `header.count` items. False where it is no frame, or the region is smaller than it says. */
bool python_frame_open(python_frame *frame, python_region *region, python_frame_header *header);
bool python_frame_next(python_frame *frame, const python_region *region, python_frame_item *item);

#endif
