#include "Region.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { lowest_descriptor = 16 };
static const uint64_t least = 1 << 16;
/* What one mapping may take at most: beyond it an answer could not be sent anyway. */
static const uint64_t most = (uint64_t)1 << 36;

int python_descriptor_high(int descriptor) {
    if (descriptor < 0 || descriptor >= lowest_descriptor) return descriptor;
    int high = fcntl(descriptor, F_DUPFD_CLOEXEC, lowest_descriptor);
    int error = errno;
    close(descriptor);
    errno = error;
    return high;
}

static bool map(python_region *region, uint64_t size) {
    int protection = region->writes ? PROT_READ | PROT_WRITE : PROT_READ;
    void *memory = mmap(NULL, size, protection, MAP_SHARED, region->file, 0);
    if (memory == MAP_FAILED) return false;
    if (region->memory) munmap(region->memory, region->size);
    region->memory = memory;
    region->size = size;
    return true;
}

bool python_region_make(python_region *region, const char *name, bool writes) {
    *region = (python_region){-1, NULL, 0, writes};
    region->file = python_descriptor_high(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (region->file < 0) return false;
    if (fcntl(region->file, F_ADD_SEALS, F_SEAL_SHRINK) == 0 && (!writes || python_region_hold(region, least))) {
        return true;
    }
    int error = errno;
    python_region_free(region);
    errno = error;
    return false;
}

bool python_region_hold(python_region *region, uint64_t size) {
    if (size <= region->size) return true;
    if (size > most) {
        errno = EFBIG;
        return false;
    }
    uint64_t wanted = least;
    while (wanted < size) wanted *= 2;
    /* Reserved, not only promised: writing to memory that is not there would end the process. */
    int error = posix_fallocate(region->file, 0, (off_t)wanted);
    if (error) {
        errno = error;
        return false;
    }
    return map(region, wanted);
}

bool python_region_see(python_region *region, uint64_t size) {
    if (size <= region->size) return true;
    struct stat status;
    if (fstat(region->file, &status) != 0) return false;
    if (size > most || status.st_size < 0 || (uint64_t)status.st_size < size) {
        errno = EFBIG;
        return false;
    }
    return map(region, size);
}

void python_region_free(python_region *region) {
    if (region->memory) munmap(region->memory, region->size);
    if (region->file >= 0) close(region->file);
    *region = (python_region)PYTHON_REGION_NONE;
}
