#include "Model.h"

#include "trees_adapter.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where reading is, for statuses. */
typedef struct context {
    const slipway_host *host;
    const char *path;
    xgboost_model *model;
} context;

__attribute__((format(printf, 2, 3))) static slipway_status *damaged(const context *context, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    slipway_status *status = trees_damaged(context->host, context->path, "XGBoost", format, arguments);
    va_end(arguments);
    return status;
}

/* `5E-1`, or of newer versions a list in a text, `[5E-1,2E-1]`. */
static slipway_status *read_scores(const context *context, const value *parameters) {
    xgboost_model *model = context->model;
    const char *text = value_text_of(parameters, "base_score");
    if (!text) return damaged(context, "learner.learner_model_param.base_score is missing");
    model->scores = calloc((size_t)model->groups + 1, sizeof *model->scores);
    if (!model->scores) return adapter_out_of_memory(context->host, context->path);
    bool is_list = *text == '[';
    const char *at = text + is_list;
    for (;;) {
        char *end = NULL;
        double score = adapter_number(at, &end);
        if (end == at || model->score_count == model->groups) break;
        model->scores[model->score_count++] = (float)score;
        at = end;
        if (*at != ',') break;
        ++at;
    }
    if (strcmp(at, is_list ? "]" : "") || (model->score_count != 1 && model->score_count != model->groups)) {
        return damaged(
            context, "learner.learner_model_param.base_score is `%.100s`; %u numbers are expected", text, model->groups);
    }
    return NULL;
}

static slipway_status *read_parameters(const context *context, const value *learner) {
    xgboost_model *model = context->model;
    const value *parameters = value_member(learner, "learner_model_param");
    int64_t features, classes = 0, targets = 1;
    if (!value_integer_of(parameters, "num_feature", 1, TREES_FEATURES_MAX, &features)) {
        return damaged(context, "learner.learner_model_param.num_feature is missing or no number of features");
    }
    if (value_member(parameters, "num_class") && !value_integer_of(parameters, "num_class", 0, 1 << 20, &classes)) {
        return damaged(context, "learner.learner_model_param.num_class is no number of classes");
    }
    if (value_member(parameters, "num_target") && !value_integer_of(parameters, "num_target", 1, 1 << 20, &targets)) {
        return damaged(context, "learner.learner_model_param.num_target is no number of targets");
    }
    model->features = (uint32_t)features;
    model->groups = (uint32_t)(classes > targets ? classes : targets);
    model->objective = value_text_of(value_member(learner, "objective"), "name");
    if (!model->objective) return damaged(context, "learner.objective.name is missing");
    return read_scores(context, parameters);
}

/* Texts of each feature, where there are any. */
static slipway_status *read_labels(
    const context *context, const value *learner, const char *name, const value **labels) {
    const value *found = value_member(learner, name);
    *labels = NULL;
    if (!found || (found->kind == value_numbers && found->count == 0)) return NULL;
    if (found->kind != value_list || found->count != context->model->features) {
        return damaged(context, "learner.%s is no list of %u texts", name, context->model->features);
    }
    for (size_t index = 0; index < found->count; ++index) {
        if (found->items[index].kind != value_text) return damaged(context, "learner.%s[%zu] is no text", name, index);
    }
    *labels = found;
    return NULL;
}

static slipway_status *read_attributes(const context *context, const value *learner) {
    const value *attributes = value_member(learner, "attributes");
    xgboost_model *model = context->model;
    model->best_iteration = -1;
    value_integer_of(attributes, "best_iteration", 0, INT32_MAX, &model->best_iteration);
    model->is_scikit = value_member(attributes, "scikit_learn") != NULL;
    slipway_status *status = read_labels(context, learner, "feature_names", &model->feature_names);
    return status ? status : read_labels(context, learner, "feature_types", &model->feature_types);
}

static slipway_status *read_tree(const context *context, size_t index) {
    xgboost_model *model = context->model;
    const value *tree = &model->trees->items[index];
    double group = model->tree_groups->numbers[index];
    if (!(group >= 0 && group < model->groups && group == floor(group))) {
        return damaged(context, "tree %zu belongs to the class %g; there are %u", index, group, model->groups);
    }
    int64_t vector = 0, targets = model->groups;
    const value *parameters = value_member(tree, "tree_param");
    /* The library puts it where this says. */
    int64_t place = (int64_t)index;
    if (!value_integer_of(tree, "id", place, place, &place)) {
        return damaged(context, "tree %zu has not its place as its `id`", index);
    }
    if (!value_integer_of(parameters, "size_leaf_vector", 0, 1, &vector)
        && !value_integer_of(parameters, "size_leaf_vector", targets, targets, &vector)) {
        return damaged(context, "tree %zu has leaves of neither one value nor %u", index, model->groups);
    }
    model->has_vector_leaves |= vector > 1;
    xgboost_tree read;
    uint32_t culprit;
    const char *problem = xgboost_tree_read(tree, model->features, &read, &culprit);
    model->has_categories |= read.words != NULL;
    xgboost_tree_free(&read);
    return problem ? damaged(context, "node %u of tree %zu %s", culprit, index, problem) : NULL;
}

static slipway_status *read_iterations(const context *context, const value *trees) {
    xgboost_model *model = context->model;
    size_t count = model->trees->count;
    const value *starts = value_numbers_of(trees, "iteration_indptr");
    if (!starts || starts->count == 0) {
        size_t each = (size_t)model->parallel_trees * model->groups;
        if (count % each) return damaged(context, "%zu trees are no whole number of iterations of %zu", count, each);
        model->iterations = (uint32_t)(count / each);
        return NULL;
    }
    for (size_t index = 0; index < starts->count; ++index) {
        double least = index ? starts->numbers[index - 1] : 0, start = starts->numbers[index];
        if (!(start >= least && start <= (double)count && start == floor(start)) || (index == 0 && start != 0)) {
            return damaged(context, "iteration_indptr[%zu] is %g, which is not in order", index, start);
        }
    }
    if (starts->numbers[starts->count - 1] != (double)count) {
        return damaged(context, "iteration_indptr ends at %g of %zu trees", starts->numbers[starts->count - 1], count);
    }
    model->iteration_starts = starts;
    model->iterations = (uint32_t)(starts->count - 1);
    return NULL;
}

static slipway_status *read_trees(const context *context, const value *trees) {
    xgboost_model *model = context->model;
    const value *list = value_member(trees, "trees");
    model->tree_groups = value_numbers_of(trees, "tree_info");
    if (!list || !(list->kind == value_list || list->count == 0) || list->count > TREES_NODES_MAX) {
        return damaged(context, "the list of trees is missing");
    }
    if (!model->tree_groups || model->tree_groups->count != list->count) {
        return damaged(context, "tree_info does not say of each of %zu trees which class it belongs to", list->count);
    }
    model->trees = list;
    model->parallel_trees = 1;
    const value *parameters = value_member(trees, "gbtree_model_param");
    if (value_member(parameters, "num_parallel_tree")
        && !value_integer_of(parameters, "num_parallel_tree", 0, 1 << 20, &model->parallel_trees)) {
        return damaged(context, "num_parallel_tree is no number of trees");
    }
    if (model->parallel_trees == 0) model->parallel_trees = 1;
    int64_t count = (int64_t)list->count;
    if (value_member(parameters, "num_trees") && !value_integer_of(parameters, "num_trees", count, count, &count)) {
        return damaged(context, "num_trees is not the number of trees, %zu", list->count);
    }
    for (size_t index = 0; index < list->count; ++index) {
        slipway_status *status = read_tree(context, index);
        if (status) return status;
    }
    return read_iterations(context, trees);
}

static slipway_status *read_booster(const context *context, const value *learner) {
    const value *booster = value_member(learner, "gradient_booster");
    const char *name = value_text_of(booster, "name");
    if (!name) return damaged(context, "learner.gradient_booster.name is missing");
    if (!strcmp(name, "gbtree")) {
        context->model->booster = booster_trees;
        return read_trees(context, value_member(booster, "model"));
    }
    if (!strcmp(name, "dart")) {
        context->model->booster = booster_dart;
        const value *trees = value_member(value_member(booster, "gbtree"), "model");
        slipway_status *status = read_trees(context, trees);
        if (status) return status;
        const value *weights = value_numbers_of(booster, "weight_drop");
        if (weights && weights->count == context->model->trees->count) return NULL;
        return damaged(context, "weight_drop does not have a weight of each of %zu trees", context->model->trees->count);
    }
    if (strcmp(name, "gblinear")) return damaged(context, "its booster is `%.64s`, which is not known", name);
    context->model->booster = booster_linear;
    const value *weights = value_numbers_of(value_member(booster, "model"), "weights");
    size_t wanted = ((size_t)context->model->features + 1) * context->model->groups;
    if (!weights || weights->count != wanted) return damaged(context, "it has not the %zu weights it needs", wanted);
    return NULL;
}

static slipway_status *read_all(const context *context, const value *root) {
    const value *learner = value_member(root, "learner"), *version = value_numbers_of(root, "version");
    if (!learner) return damaged(context, "it has no `learner`");
    if (version && version->count == 3) {
        const double *numbers = version->numbers;
        snprintf(
            context->model->version, sizeof context->model->version, "%.0f.%.0f.%.0f", numbers[0], numbers[1],
            numbers[2]);
    }
    slipway_status *status = read_parameters(context, learner);
    if (!status) status = read_attributes(context, learner);
    return status ? status : read_booster(context, learner);
}

slipway_status *xgboost_model_read(
    const slipway_host *host, const char *path, const char *bytes, size_t size, xgboost_model *model) {
    *model = (xgboost_model){0};
    slipway_status *status = document_read(host, path, bytes, size, &model->document);
    if (status) return status;
    context context = {host, path, model};
    status = read_all(&context, &model->document.root);
    if (status) xgboost_model_free(model);
    return status;
}

void xgboost_model_free(xgboost_model *model) {
    document_free(&model->document);
    free(model->scores);
    *model = (xgboost_model){0};
}

size_t xgboost_model_tree(const xgboost_model *model, uint32_t iteration) {
    if (model->iteration_starts) return (size_t)model->iteration_starts->numbers[iteration];
    return (size_t)iteration * (size_t)model->parallel_trees * model->groups;
}

static const char *add_trees(
    const xgboost_model *model, trees_forest *forest, uint32_t first_iteration, uint32_t end_iteration) {
    size_t end = xgboost_model_tree(model, end_iteration);
    for (size_t index = xgboost_model_tree(model, first_iteration); index < end; ++index) {
        xgboost_tree tree;
        uint32_t culprit;
        const char *problem = xgboost_tree_read(&model->trees->items[index], model->features, &tree, &culprit);
        if (!problem) problem = tree.unsupported;
        uint32_t group = (uint32_t)model->tree_groups->numbers[index];
        if (!problem && !trees_forest_add(forest, group, tree.nodes, tree.count)) problem = "no memory left";
        xgboost_tree_free(&tree);
        if (problem) return problem;
    }
    return trees_forest_finish(forest);
}

trees_forest *xgboost_model_forest(
    const xgboost_model *model, uint32_t first_iteration, uint32_t end_iteration, double missing,
    const char **why_not) {
    if (model->booster == booster_linear) return *why_not = "the model is linear", NULL;
    if (model->booster == booster_dart) return *why_not = "the trees are weighted (dart)", NULL;
    if (model->has_vector_leaves) return *why_not = "leaves are vectors", NULL;
    trees_forest *forest = trees_forest_make(&(trees_manners){
        .features = model->features,
        .outputs = model->groups,
        .missing = missing,
        .category_above = nextafter(0, -1),
        .sets_go_right = true,
    });
    *why_not = forest ? add_trees(model, forest, first_iteration, end_iteration) : "no memory left";
    if (!*why_not) return forest;
    trees_forest_free(forest);
    return NULL;
}
