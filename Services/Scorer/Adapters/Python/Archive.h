/* The worker's program in Python, inside the adapter's library: nothing has to be found on disk. */
#ifndef PYTHON_ARCHIVE_H
#define PYTHON_ARCHIVE_H

#include <stddef.h>

/* A file that a worker reads it from, its first part the text that starts it; -1 with errno. */
int python_archive_make(size_t *bootstrap_size);

#endif
