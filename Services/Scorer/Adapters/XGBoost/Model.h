/* An XGBoost model as its file has it: read and checked by ourselves, before the library sees it, which trusts it. */
#ifndef XGBOOST_MODEL_H
#define XGBOOST_MODEL_H

#include "Document.h"
#include "trees_forest.h"

typedef enum booster_kind { booster_trees, booster_dart, booster_linear } booster_kind;

typedef struct xgboost_model {
    document document;
    char version[32];
    booster_kind booster;
    const char *objective;
    uint32_t features;
    uint32_t groups; /* sums of a row: classes or targets */
    uint32_t score_count;
    double *scores; /* base_score: one, or one of each group */
    const value *feature_names; /* NULL, or a text of each feature */
    const value *feature_types;
    const value *trees; /* a list; NULL of linear models */
    const value *tree_groups;
    int64_t parallel_trees;
    const value *iteration_starts; /* NULL in models of old */
    uint32_t iterations;
    int64_t best_iteration; /* -1 where training was not stopped early */
    bool is_scikit;         /* written by the wrapper for scikit-learn, which predicts up to the best iteration */
    bool has_vector_leaves;
    bool has_categories;
} xgboost_model;

/* Reads a model. FAILED_PRECONDITION with what is wrong, and where. The caller releases it. */
slipway_status *xgboost_model_read(
    const slipway_host *host, const char *path, const char *bytes, size_t size, xgboost_model *model);
void xgboost_model_free(xgboost_model *model);

/* The first tree of an iteration; of the number of iterations, the number of trees. */
size_t xgboost_model_tree(const xgboost_model *model, uint32_t iteration);

/* A forest of the iterations' trees; NULL and why not, where they can't be evaluated by ourselves. */
trees_forest *xgboost_model_forest(
    const xgboost_model *model, uint32_t first_iteration, uint32_t end_iteration, double missing, const char **why_not);

/* Of one tree: its nodes, with sets of categories in `words`, both of which the caller frees. */
typedef struct xgboost_tree {
    trees_node *nodes;
    uint32_t count;
    uint32_t *words;
    const char *unsupported; /* why it can't be evaluated by ourselves, or NULL */
} xgboost_tree;

/* NULL, or what is wrong with it; `culprit` is the node. */
const char *xgboost_tree_read(const value *tree, uint32_t features, xgboost_tree *read, uint32_t *culprit);
void xgboost_tree_free(xgboost_tree *tree);

#endif
