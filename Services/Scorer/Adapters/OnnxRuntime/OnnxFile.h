/* What an ONNX file says of itself, read without the runtime.
 *
 * The file is walked in place, a window at a time, so that neither its size nor its contents can hurt. */
#ifndef ONNX_FILE_H
#define ONNX_FILE_H

#include <slipway_adapter.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The classes of a classifier whose probabilities come out as maps, in the order of its scores. */
typedef struct OnnxClasses {
    char *output; /* the output that the maps come out of */
    char **names;
    size_t count;
    struct OnnxClasses *next;
} OnnxClasses;

/* A name in a list. */
typedef struct OnnxName {
    char *name;
    struct OnnxName *next;
} OnnxName;

typedef struct OnnxFile {
    int64_t ir_version;
    int64_t opset;     /* of the standard operators; 0 where the file says none */
    char *opsets;      /* all of them, for people: `ai.onnx 17, ai.onnx.ml 3` */
    char *producer;    /* with its version; may be NULL, like the next */
    char *graph;
    OnnxClasses *classes;
    OnnxName *shapeless; /* inputs and outputs of which the file does not even say the rank */
    uint64_t file_bytes;
    uint64_t external_bytes;
    size_t external_files;
} OnnxFile;

/* Reads a model and looks at the files that its weights lie in. Ends with onnx_file_free, also after a failure.
 *
 * FAILED_PRECONDITION where it is no ONNX model or damaged, or where its weights would be read from outside of its
 * folder; NOT_FOUND where it or a file of weights is not there. */
slipway_status *onnx_file_read(const slipway_host *host, const char *path, OnnxFile *file);
void onnx_file_free(OnnxFile *file);

/* Whether a file begins as an ONNX model does and its outermost fields fit into it. */
bool onnx_file_is_model(const char *path);

bool onnx_file_is_shapeless(const OnnxFile *file, const char *name);
const OnnxClasses *onnx_file_classes(const OnnxFile *file, const char *output);

#endif
