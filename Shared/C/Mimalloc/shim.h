#ifndef SLIPWAY_CMIMALLOC_H
#define SLIPWAY_CMIMALLOC_H
/* Linking this library replaces malloc and free for the whole program. */
#include <mimalloc.h>
#endif
