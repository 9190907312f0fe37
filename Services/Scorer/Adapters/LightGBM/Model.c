#include "Model.h"

#include "trees_adapter.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Where reading is, for statuses. */
typedef struct context {
    const slipway_host *host;
    const char *path;
    lightgbm_model *model;
    size_t line;
    /* What the header has, until it is read whole. */
    span names, tree_sizes;
    int64_t classes, groups, last_feature;
} context;

__attribute__((format(printf, 2, 3))) static slipway_status *damaged(const context *context, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    slipway_status *status = trees_damaged(context->host, context->path, "LightGBM", format, arguments);
    va_end(arguments);
    return status;
}

static bool is_line(span line, const char *text) {
    return line.size == strlen(text) && !memcmp(line.at, text, line.size);
}

static bool is_tree(span line) {
    return line.size > 5 && !memcmp(line.at, "Tree=", 5);
}

static bool read_count(span value, int64_t least, int64_t most, int64_t *count) {
    return span_whole(&value, least, most, count) && span_is_blank(value);
}

static slipway_status *read_header_line(context *context, span line) {
    lightgbm_model *model = context->model;
    span value;
    bool is_right = true, is_first = true;
    if (span_value(line, "version", &value)) {
        is_first = !model->version;
        if (is_first) model->version = strndup(value.at, value.size < 16 ? value.size : 16);
    } else if (span_value(line, "objective", &value)) {
        is_first = !model->objective;
        if (is_first) model->objective = strndup(value.at, value.size);
    } else if (span_value(line, "num_class", &value)) {
        is_first = context->classes == 0;
        is_right = read_count(value, 1, 1 << 20, &context->classes);
    } else if (span_value(line, "num_tree_per_iteration", &value)) {
        is_first = context->groups == 0;
        is_right = read_count(value, 1, 1 << 20, &context->groups);
    } else if (span_value(line, "max_feature_idx", &value)) {
        is_first = context->last_feature < 0;
        is_right = read_count(value, 0, TREES_FEATURES_MAX - 1, &context->last_feature);
    } else if (span_value(line, "feature_names", &value)) {
        is_first = !context->names.at;
        context->names = value;
    } else if (span_value(line, "tree_sizes", &value)) {
        is_first = !context->tree_sizes.at;
        context->tree_sizes = value;
    } else if (is_line(line, "average_output")) {
        model->averages = true;
    }
    int shown = (int)(line.size < 80 ? line.size : 80);
    if (!is_first) return damaged(context, "line %zu, `%.*s`, comes twice", context->line, shown, line.at);
    if (!is_right) return damaged(context, "line %zu, `%.*s`, is no number that can be", context->line, shown, line.at);
    return NULL;
}

static slipway_status *read_names(context *context) {
    lightgbm_model *model = context->model;
    span rest = context->names;
    model->feature_names = calloc((size_t)model->features + 1, sizeof *model->feature_names);
    if (!model->feature_names) return adapter_out_of_memory(context->host, context->path);
    for (uint32_t index = 0; index < model->features; ++index) {
        const char *blank = rest.size ? memchr(rest.at, ' ', rest.size) : NULL;
        size_t size = blank ? (size_t)(blank - rest.at) : rest.size;
        if (size == 0) return damaged(context, "feature_names are not %u names", model->features);
        model->feature_names[index] = strndup(rest.at, size);
        if (!model->feature_names[index]) return adapter_out_of_memory(context->host, context->path);
        rest.at += size + (blank != NULL);
        rest.size -= size + (blank != NULL);
    }
    return span_is_blank(rest) ? NULL : damaged(context, "feature_names are more than %u names", model->features);
}

/* `num_class:3` in the objective has to be the number of classes: the library writes as many answers. */
static slipway_status *check_objective(const context *context) {
    const char *objective = context->model->objective, *classes = strstr(objective, "num_class:");
    bool has_classes = !strncmp(objective, "multiclass", 10);
    if (has_classes && (!classes || strtoll(classes + 10, NULL, 10) != context->groups)) {
        return damaged(
            context, "its objective is `%.80s`, with %lld trees in an iteration", objective, (long long)context->groups);
    }
    return NULL;
}

static slipway_status *end_header(context *context) {
    lightgbm_model *model = context->model;
    if (!model->version) return damaged(context, "its header has no `version`");
    if (context->last_feature < 0) return damaged(context, "its header has no `max_feature_idx`");
    if (context->groups < 1) return damaged(context, "its header has no `num_tree_per_iteration`");
    if (context->classes != context->groups) {
        return damaged(
            context, "num_class is %lld and num_tree_per_iteration %lld", (long long)context->classes,
            (long long)context->groups);
    }
    if (!model->objective) model->objective = strdup("");
    if (!model->objective) return adapter_out_of_memory(context->host, context->path);
    model->features = (uint32_t)(context->last_feature + 1);
    model->groups = (uint32_t)context->groups;
    /* Names take two bytes at least; what a file says is no reason to ask for memory. */
    if (!context->names.at || context->names.size + 1 < (size_t)model->features * 2) {
        return damaged(context, "feature_names are not %u names", model->features);
    }
    slipway_status *status = check_objective(context);
    return status ? status : read_names(context);
}

static bool append_tree(lightgbm_model *model, uint32_t *capacity, const char *at, size_t line) {
    if (model->tree_count == *capacity) {
        uint32_t grown = *capacity ? *capacity * 2 : 64;
        lightgbm_text_tree *trees = realloc(model->trees, grown * sizeof *trees);
        if (!trees) return false;
        model->trees = trees;
        *capacity = grown;
    }
    model->trees[model->tree_count++] = (lightgbm_text_tree){{at, 0}, line};
    return true;
}

/* Finds the trees' parts; `rest` stands behind the header. */
static slipway_status *find_trees(context *context, span first, span rest) {
    lightgbm_model *model = context->model;
    uint32_t capacity = 0;
    span line = first;
    do {
        const char *at = line.at;
        bool ends = is_line(line, "end of trees");
        if ((is_tree(line) || ends) && model->tree_count > 0) {
            lightgbm_text_tree *last = &model->trees[model->tree_count - 1];
            last->text.size = (size_t)(at - last->text.at);
        }
        if (ends) {
            static const char prefix[] = "pandas_categorical:[";
            while (span_line(&rest, &line)) {
                model->has_pandas_categories |=
                    line.size > sizeof prefix && !memcmp(line.at, prefix, sizeof prefix - 1) && line.at[sizeof prefix - 1] != ']';
            }
            return NULL;
        }
        if (is_tree(line) && !append_tree(model, &capacity, at, context->line)) {
            return adapter_out_of_memory(context->host, context->path);
        }
        context->line += 1;
    } while (span_line(&rest, &line));
    return damaged(context, "it ends before `end of trees`");
}

/* The library jumps from tree to tree by these sizes. */
static slipway_status *check_sizes(const context *context) {
    const lightgbm_model *model = context->model;
    span sizes = context->tree_sizes;
    if (!sizes.at) return NULL;
    for (uint32_t index = 0; index < model->tree_count; ++index) {
        int64_t size;
        size_t actual = model->trees[index].text.size;
        if (!span_whole(&sizes, 1, INT64_MAX, &size) || (size_t)size != actual) {
            return damaged(context, "tree_sizes does not say that tree %u has %zu bytes", index, actual);
        }
    }
    return span_is_blank(sizes) ? NULL : damaged(context, "tree_sizes has more than the %u trees", model->tree_count);
}

static slipway_status *check_trees(const context *context) {
    lightgbm_model *model = context->model;
    if (model->tree_count % model->groups) {
        return damaged(
            context, "%u trees are no whole number of iterations of %u", model->tree_count, model->groups);
    }
    model->iterations = model->tree_count / model->groups;
    for (uint32_t index = 0; index < model->tree_count; ++index) {
        lightgbm_tree tree;
        uint32_t culprit;
        const char *problem = lightgbm_tree_read(model->trees[index].text, model->features, &tree, &culprit);
        model->is_linear |= tree.is_linear;
        for (uint32_t node = 0; !problem && node < tree.count; ++node) {
            model->has_categories |= (tree.nodes[node].flags & TREES_SET) != 0;
        }
        lightgbm_tree_free(&tree);
        if (problem) {
            return damaged(
                context, "node %u of tree %u, which begins in line %zu, %s", culprit, index, model->trees[index].line,
                problem);
        }
    }
    return NULL;
}

static slipway_status *read_all(context *context, const char *text, size_t size) {
    if (memchr(text, 0, size)) return damaged(context, "a zero byte is no text");
    /* Which the library would take for the end of a line. */
    for (const char *at = text; (at = memchr(at, '\r', size - (size_t)(at - text))) != NULL; ++at) {
        if (at[1] != '\n') return damaged(context, "byte %zu is a carriage return within a line", (size_t)(at - text));
    }
    span rest = {text, size}, line;
    if (!span_line(&rest, &line) || !is_line(line, "tree")) return damaged(context, "its first line is not `tree`");
    context->line = 2;
    for (;;) {
        if (!span_line(&rest, &line)) return damaged(context, "it ends in its header");
        if (is_tree(line) || is_line(line, "end of trees")) break;
        slipway_status *status = read_header_line(context, line);
        if (status) return status;
        context->line += 1;
    }
    slipway_status *status = end_header(context);
    if (!status) status = find_trees(context, line, rest);
    if (!status) status = check_sizes(context);
    return status ? status : check_trees(context);
}

slipway_status *lightgbm_model_read(
    const slipway_host *host, const char *path, const char *text, size_t size, lightgbm_model *model) {
    *model = (lightgbm_model){0};
    context context = {.host = host, .path = path, .model = model, .last_feature = -1};
    slipway_status *status = read_all(&context, text, size);
    if (status) lightgbm_model_free(model);
    return status;
}

void lightgbm_model_free(lightgbm_model *model) {
    for (uint32_t index = 0; model->feature_names && index < model->features; ++index) free(model->feature_names[index]);
    free(model->feature_names);
    free(model->version);
    free(model->objective);
    free(model->trees);
    *model = (lightgbm_model){0};
}

static const char *add_trees(
    const lightgbm_model *model, trees_forest *forest, uint32_t first_iteration, uint32_t end_iteration) {
    for (uint32_t index = first_iteration * model->groups; index < end_iteration * model->groups; ++index) {
        lightgbm_tree tree;
        uint32_t culprit;
        const char *problem = lightgbm_tree_read(model->trees[index].text, model->features, &tree, &culprit);
        if (!problem) problem = tree.unsupported;
        if (!problem && !trees_forest_add(forest, index % model->groups, tree.nodes, tree.count)) {
            problem = "no memory left";
        }
        lightgbm_tree_free(&tree);
        if (problem) return problem;
    }
    return trees_forest_finish(forest);
}

trees_forest *lightgbm_model_forest(
    const lightgbm_model *model, uint32_t first_iteration, uint32_t end_iteration, const char **why_not) {
    if (model->is_linear) return *why_not = "leaves are linear models", NULL;
    trees_forest *forest = trees_forest_make(&(trees_manners){
        .features = model->features,
        .outputs = model->groups,
        /* LightGBM's zero, a float that doubles are compared with. */
        .zero_within = 1e-35f,
        .missing = NAN,
        .category_above = -1,
        .sets_go_right = false,
    });
    *why_not = forest ? add_trees(model, forest, first_iteration, end_iteration) : "no memory left";
    if (!*why_not) return forest;
    trees_forest_free(forest);
    return NULL;
}
