/* Memory that the adapter and a worker both see. Each side writes into one, and maps as much of it as it needs.
 *
 * The file can't shrink: what is mapped stays readable, whatever the worker does. */
#ifndef PYTHON_REGION_H
#define PYTHON_REGION_H

#include <stdbool.h>
#include <stdint.h>

typedef struct python_region {
    int file; /* -1 where there is none; above the descriptors that a worker starts with */
    uint8_t *memory;
    uint64_t size; /* of what is mapped */
    bool writes;
} python_region;

#define PYTHON_REGION_NONE { -1, 0, 0, false }

/* Makes one that this side writes or reads. False with errno. */
bool python_region_make(python_region *region, const char *name, bool writes);

/* Makes the memory that this side writes at least so large. False with errno. */
bool python_region_hold(python_region *region, uint64_t size);

/* Maps what the other side says that there is. False where the file is smaller, or with errno. */
bool python_region_see(python_region *region, uint64_t size);

void python_region_free(python_region *region);

/* Moves a descriptor above those that a worker starts with, closed on execution; -1 where that fails. */
int python_descriptor_high(int descriptor);

#endif
