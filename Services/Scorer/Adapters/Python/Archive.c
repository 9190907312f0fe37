#include "Archive.h"

#include "Region.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc23-extensions"
static const char bootstrap[] = {
#embed "Worker/bootstrap.py"
};

static const char module_init[] = {
#embed "Worker/slipway/__init__.py"
};
static const char module_answers[] = {
#embed "Worker/slipway/_answers.py"
};
static const char module_channel[] = {
#embed "Worker/slipway/_channel.py"
};
static const char module_document[] = {
#embed "Worker/slipway/_document.py"
};
static const char module_errors[] = {
#embed "Worker/slipway/_errors.py"
};
static const char module_pickles[] = {
#embed "Worker/slipway/_pickles.py"
};
static const char module_protobuf[] = {
#embed "Worker/slipway/_protobuf.py"
};
static const char module_script[] = {
#embed "Worker/slipway/_script.py"
};
static const char module_shims[] = {
#embed "Worker/slipway/_shims.py"
};
static const char module_tensors[] = {
#embed "Worker/slipway/_tensors.py"
};
static const char module_worker[] = {
#embed "Worker/slipway/_worker.py"
};
static const char module_http[] = {
#embed "Worker/slipway/http.py"
};
static const char module_schema[] = {
#embed "Worker/slipway/schema.py"
};
static const char module_tensor_types[] = {
#embed "Worker/slipway/_tensor_types.py"
};
#pragma clang diagnostic pop

static const struct {
    const char *name;
    const char *bytes;
    size_t size;
} modules[] = {
    {"slipway", module_init, sizeof module_init},
    {"slipway._answers", module_answers, sizeof module_answers},
    {"slipway._channel", module_channel, sizeof module_channel},
    {"slipway._document", module_document, sizeof module_document},
    {"slipway._errors", module_errors, sizeof module_errors},
    {"slipway._pickles", module_pickles, sizeof module_pickles},
    {"slipway._protobuf", module_protobuf, sizeof module_protobuf},
    {"slipway._script", module_script, sizeof module_script},
    {"slipway._shims", module_shims, sizeof module_shims},
    {"slipway._tensors", module_tensors, sizeof module_tensors},
    {"slipway._worker", module_worker, sizeof module_worker},
    {"slipway.http", module_http, sizeof module_http},
    {"slipway.schema", module_schema, sizeof module_schema},
    {"slipway._tensor_types", module_tensor_types, sizeof module_tensor_types},
};

static int put(int file, const void *bytes, size_t size) {
    const char *next = bytes;
    while (size > 0) {
        ssize_t written = write(file, next, size);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return -1;
        next += written;
        size -= (size_t)written;
    }
    return 0;
}

/* The text that starts it and a zero; then of each module its name, a space, its size, a zero and its text. */
int python_archive_make(size_t *bootstrap_size) {
    int file = python_descriptor_high(memfd_create("slipway-worker", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (file < 0) return -1;
    int failed = put(file, bootstrap, sizeof bootstrap) || put(file, "", 1);
    for (size_t index = 0; !failed && index < sizeof modules / sizeof *modules; ++index) {
        char head[64];
        int size = snprintf(head, sizeof head, "%s %zu", modules[index].name, modules[index].size);
        failed = put(file, head, (size_t)size + 1) || put(file, modules[index].bytes, modules[index].size);
    }
    if (failed || fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
        int error = errno;
        close(file);
        errno = error;
        return -1;
    }
    *bootstrap_size = sizeof bootstrap;
    return file;
}
