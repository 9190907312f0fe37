#include "OnnxFile.h"

#include "OnnxReading.h"

#include <adapter_files.h>
#include <adapter_status.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The runtime takes this place for an address in its own memory. */
static const char memory_location[] = "_ORT_MEM_ADDR_";

static bool leads_out(const char *location) {
    if (!*location || *location == '/') return true;
    for (const char *part = location; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (part[0] == '.' && part[1] == '.' && (part[2] == '/' || !part[2])) return true;
    }
    return false;
}

static slipway_status *check_location(Reading *reading, const char *folder, const char *location) {
    if (strstr(location, memory_location)) {
        return adapter_status(
            reading->host, SLIPWAY_FAILED_PRECONDITION,
            "%s is refused: it asks to read its weights from the memory of the process", reading->path);
    }
    if (leads_out(location)) {
        return adapter_status(
            reading->host, SLIPWAY_FAILED_PRECONDITION,
            "%s is refused: it asks to read its weights from `%.200s`, outside of its folder", reading->path, location);
    }
    char *path = NULL;
    slipway_status *refusal = adapter_path_join(reading->host, folder, location, &path);
    if (refusal) return refusal;
    int64_t size = adapter_file_size(path);
    if (size < 0) {
        refusal = adapter_status(
            reading->host, SLIPWAY_NOT_FOUND, "%s keeps weights in `%.200s`, which is no file beside it",
            reading->path, location);
    } else {
        reading->file->external_bytes += (uint64_t)size;
        reading->file->external_files += 1;
    }
    free(path);
    return refusal;
}

static int in_order(const void *left, const void *right) {
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static slipway_status *check_locations(Reading *reading) {
    if (reading->location_count == 0) return NULL;
    const char *slash = strrchr(reading->path, '/');
    char *folder = slash ? strndup(reading->path, (size_t)(slash - reading->path)) : strdup(".");
    if (!folder) return adapter_out_of_memory(reading->host, "a path");
    qsort(reading->locations, reading->location_count, sizeof *reading->locations, in_order);
    slipway_status *refusal = NULL;
    for (size_t index = 0; index < reading->location_count && !refusal; ++index) {
        if (index && !strcmp(reading->locations[index - 1], reading->locations[index])) continue;
        refusal = check_location(reading, folder, reading->locations[index]);
    }
    free(folder);
    return refusal;
}

static slipway_status *open_file(const slipway_host *host, const char *path, Wire *wire) {
    wire->file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (wire->file < 0 || fstat(wire->file, &status) != 0) {
        slipway_code code = errno == ENOENT || errno == ENOTDIR ? SLIPWAY_NOT_FOUND : SLIPWAY_FAILED_PRECONDITION;
        return adapter_status(host, code, "%s can't be read: %s", path, strerrordesc_np(errno));
    }
    if (!S_ISREG(status.st_mode) || status.st_size == 0) {
        return adapter_status(
            host, SLIPWAY_FAILED_PRECONDITION, "%s is no ONNX model: it is %s", path,
            S_ISREG(status.st_mode) ? "empty" : "no file");
    }
    wire->size = (uint64_t)status.st_size;
    return NULL;
}

slipway_status *onnx_file_read(const slipway_host *host, const char *path, OnnxFile *file) {
    *file = (OnnxFile){0};
    Reading *reading = calloc(1, sizeof *reading);
    if (!reading) return adapter_out_of_memory(host, "reading a model");
    reading->host = host;
    reading->path = path;
    reading->file = file;
    slipway_status *refusal = open_file(host, path, &reading->wire);
    if (!refusal) {
        file->file_bytes = reading->wire.size;
        refusal = reading_model(reading) ? check_locations(reading) : reading->refusal;
    }
    if (reading->wire.file >= 0) close(reading->wire.file);
    for (size_t index = 0; index < reading->location_count; ++index) free(reading->locations[index]);
    free(reading->locations);
    free(reading);
    return refusal;
}

bool onnx_file_is_model(const char *path) {
    Wire *wire = calloc(1, sizeof *wire);
    if (!wire) return false;
    wire->file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    bool has_version = false, has_graph = false, is_whole = false;
    if (wire->file >= 0 && fstat(wire->file, &status) == 0 && S_ISREG(status.st_mode)) {
        wire->size = (uint64_t)status.st_size;
        WirePart part = {0, wire->size};
        WireField field;
        WireStep step;
        while ((step = wire_next(wire, &part, &field)) == WIRE_FIELD) {
            if (field.number == 1 && field.kind == 0 && field.value > 0 && field.value < 1000) has_version = true;
            if (field.number == 7 && field.kind == 2) has_graph = true;
        }
        is_whole = step == WIRE_END;
    }
    if (wire->file >= 0) close(wire->file);
    free(wire);
    return is_whole && has_version && has_graph;
}

void onnx_file_free(OnnxFile *file) {
    while (file->classes) {
        OnnxClasses *classes = file->classes;
        file->classes = classes->next;
        for (size_t index = 0; index < classes->count; ++index) free(classes->names[index]);
        free(classes->names);
        free(classes->output);
        free(classes);
    }
    while (file->shapeless) {
        OnnxName *name = file->shapeless;
        file->shapeless = name->next;
        free(name->name);
        free(name);
    }
    free(file->opsets);
    free(file->producer);
    free(file->graph);
    *file = (OnnxFile){0};
}

bool onnx_file_is_shapeless(const OnnxFile *file, const char *name) {
    for (const OnnxName *each = file->shapeless; each; each = each->next) {
        if (!strcmp(each->name, name)) return true;
    }
    return false;
}

const OnnxClasses *onnx_file_classes(const OnnxFile *file, const char *output) {
    for (const OnnxClasses *each = file->classes; each; each = each->next) {
        if (each->output && each->count && !strcmp(each->output, output)) return each;
    }
    return NULL;
}
