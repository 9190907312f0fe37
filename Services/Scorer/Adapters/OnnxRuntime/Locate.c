#include "Adapter.h"
#include "MLflow.h"

#include <stdlib.h>
#include <string.h>

/* What a folder holds, by the names of its files. */
typedef struct Folder {
    const char *path;
    char *only;        /* the first file that ends in .onnx */
    adapter_text all;  /* all of them */
    size_t count;
    bool has_usual;    /* one is called model.onnx */
} Folder;

static const char usual_name[] = "model.onnx";

static bool visit(void *context, const char *name) {
    Folder *folder = context;
    if (!adapter_has_extension(name, ".onnx")) return true;
    if (!folder->only) folder->only = strdup(name);
    adapter_text_format(&folder->all, "%s%s", folder->count ? ", " : "", name);
    folder->has_usual = folder->has_usual || !strcmp(name, usual_name);
    return ++folder->count < 100;
}

/* The name of the model's file in a folder; NULL with a refusal. */
static slipway_status *choose(const slipway_host *host, const char *path, char **name) {
    *name = mlflow_onnx_path(path);
    if (*name) return NULL;
    Folder folder = {.path = path};
    slipway_status *refusal = NULL;
    if (!adapter_folder_visit(path, visit, &folder)) {
        refusal = adapter_status(host, SLIPWAY_NOT_FOUND, "%s can't be read", path);
    } else if (folder.has_usual) {
        *name = strdup(usual_name);
    } else if (folder.count == 1) {
        *name = folder.only ? strdup(folder.only) : NULL;
    } else if (folder.count == 0) {
        refusal = adapter_status(host, SLIPWAY_NOT_FOUND, "%s holds no file that ends in .onnx", path);
    } else {
        refusal = adapter_status(
            host, SLIPWAY_FAILED_PRECONDITION, "%s holds several models; say which one is meant as `file`: %s", path,
            adapter_text_string(&folder.all));
    }
    free(folder.only);
    adapter_text_free(&folder.all);
    return *name || refusal ? refusal : adapter_out_of_memory(host, "a path");
}

slipway_status *locate_model(const slipway_host *host, const adapter_load_request *request, char **path) {
    char *start = NULL, *name = NULL;
    slipway_status *refusal = NULL;
    if (*request->file) {
        refusal = adapter_path_join(host, request->folder, request->file, &start);
        if (refusal || !adapter_is_folder(start)) {
            *path = start;
            return refusal;
        }
    } else if (!(start = strdup(request->folder))) {
        return adapter_out_of_memory(host, "a path");
    }
    refusal = choose(host, start, &name);
    if (!refusal) refusal = adapter_path_join(host, start, name, path);
    free(name);
    free(start);
    return refusal;
}
