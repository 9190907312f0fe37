/* A LightGBM model as its text has it: read and checked by ourselves, before the library sees it, which trusts it. */
#ifndef LIGHTGBM_MODEL_H
#define LIGHTGBM_MODEL_H

#include "adapter_common.h"
#include "trees_forest.h"

/* A part of the text. */
typedef struct span {
    const char *at;
    size_t size;
} span;

/* A tree's part of the text, from its `Tree=` on. */
typedef struct lightgbm_text_tree {
    span text;
    size_t line; /* for messages */
} lightgbm_text_tree;

typedef struct lightgbm_model {
    char *version; /* `v4` */
    char *objective; /* with its parameters; empty where there is none */
    char **feature_names; /* of each feature; NULL where they are not given */
    uint32_t features;
    uint32_t groups; /* sums of a row: classes */
    uint32_t iterations;
    bool averages;  /* rather than adds */
    bool is_linear; /* leaves are linear models */
    bool has_categories;
    bool has_pandas_categories;
    lightgbm_text_tree *trees;
    uint32_t tree_count;
} lightgbm_model;

/* Reads a model from a text that a zero follows; spans point into it. FAILED_PRECONDITION with what is wrong, and
 * where. The caller releases it. */
slipway_status *lightgbm_model_read(
    const slipway_host *host, const char *path, const char *text, size_t size, lightgbm_model *model);
void lightgbm_model_free(lightgbm_model *model);

/* A forest of the iterations' trees; NULL and why not, where they can't be evaluated by ourselves. */
trees_forest *lightgbm_model_forest(
    const lightgbm_model *model, uint32_t first_iteration, uint32_t end_iteration, const char **why_not);

/* One tree. */
typedef struct lightgbm_tree {
    trees_node *nodes; /* decisions, then leaves */
    uint32_t count;
    uint32_t *words;
    bool is_linear;
    const char *unsupported; /* why it can't be evaluated by ourselves, or NULL */
} lightgbm_tree;

/* NULL, or what is wrong with it; `culprit` is the node. The caller releases it in either case. */
const char *lightgbm_tree_read(span text, uint32_t features, lightgbm_tree *tree, uint32_t *culprit);
void lightgbm_tree_free(lightgbm_tree *tree);

/* Of texts: the next line, without its end; false after the last. */
bool span_line(span *rest, span *line);

/* The value of a line `name=value`; false where it is another line. */
bool span_value(span line, const char *name, span *value);

/* The next number of a list with blanks between; false at the end, and where it is no number.
 *
 * No more is a number than the library takes for one: it ends the process where it finds anything else in a tree. */
bool span_number(span *list, double *number);

/* The next whole number, of digits alone: of `1e3` the library would read 1. */
bool span_whole(span *list, int64_t least, int64_t most, int64_t *number);

/* Whether it is a list of that many numbers. */
bool span_is_list(span list, uint64_t count);
bool span_is_blank(span list);

#endif
