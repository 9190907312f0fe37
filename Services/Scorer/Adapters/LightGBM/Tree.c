#include "Model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAVES_MOST (1u << 26)
#define SET_WORDS_MOST (1u << 24)

/* decision_type's bits. */
#define DECISION_SET 1
#define DECISION_DEFAULT_LEFT 2
#define DECISION_MISSING_SHIFT 2
#define MISSING_ZERO 1
#define MISSING_NAN 2

/* A tree's lines that say what it decides. */
typedef struct lines {
    span num_leaves, num_cat, split_feature, threshold, decision_type, left_child, right_child, leaf_value;
    span cat_boundaries, cat_threshold, is_linear, num_features, leaf_features, leaf_coeff, leaf_const;
    /* Of no use here, and read by the library. */
    span split_gain, internal_value, internal_weight, internal_count, leaf_weight, leaf_count, shrinkage;
} lines;

/* As many as the library looks at. */
#define LINES_MOST 23

static const char *find_lines(span text, lines *lines) {
    const struct {
        const char *name;
        span *value;
    } wanted[] = {
        {"num_leaves", &lines->num_leaves},
        {"num_cat", &lines->num_cat},
        {"split_feature", &lines->split_feature},
        {"threshold", &lines->threshold},
        {"decision_type", &lines->decision_type},
        {"left_child", &lines->left_child},
        {"right_child", &lines->right_child},
        {"leaf_value", &lines->leaf_value},
        {"cat_boundaries", &lines->cat_boundaries},
        {"cat_threshold", &lines->cat_threshold},
        {"is_linear", &lines->is_linear},
        {"num_features", &lines->num_features},
        {"leaf_features", &lines->leaf_features},
        {"leaf_coeff", &lines->leaf_coeff},
        {"leaf_const", &lines->leaf_const},
        {"split_gain", &lines->split_gain},
        {"internal_value", &lines->internal_value},
        {"internal_weight", &lines->internal_weight},
        {"internal_count", &lines->internal_count},
        {"leaf_weight", &lines->leaf_weight},
        {"leaf_count", &lines->leaf_count},
        {"shrinkage", &lines->shrinkage},
    };
    span line, value;
    for (int count = 0; span_line(&text, &line) && line.size > 0; ++count) {
        if (count == LINES_MOST) return "can't be read: the tree has too many lines";
        /* With the first that is none the library ends reading. */
        const char *equals = memchr(line.at, '=', line.size);
        if (!equals || memchr(equals + 1, '=', line.size - (size_t)(equals + 1 - line.at))) {
            return "can't be read: a line of the tree is not a name, `=` and a value";
        }
        for (size_t index = 0; index < sizeof wanted / sizeof *wanted; ++index) {
            if (!span_value(line, wanted[index].name, &value)) continue;
            if (wanted[index].value->at) return "can't be read: a line of the tree comes twice";
            *wanted[index].value = value;
        }
    }
    return NULL;
}

/* What is not there is no matter; what is has to be a list of that many numbers, or of none. */
static const char *check_others(const lines *lines, int64_t leaves) {
    const struct {
        span list;
        int64_t count;
    } lists[] = {
        {lines->split_gain, leaves - 1},      {lines->internal_value, leaves - 1}, {lines->internal_weight, leaves - 1},
        {lines->internal_count, leaves - 1},  {lines->leaf_weight, leaves},        {lines->leaf_count, leaves},
        {lines->shrinkage, 1},
    };
    for (size_t index = 0; index < sizeof lists / sizeof *lists; ++index) {
        if (!span_is_list(lists[index].list, (uint64_t)lists[index].count) && !span_is_blank(lists[index].list)) {
            return "can't be read: a list of the tree has something else than as many numbers as it needs";
        }
    }
    return NULL;
}

/* One whole number that is there; or, where the line is not, what stands for it. */
static bool single(span value, int64_t least, int64_t most, int64_t *number) {
    if (!value.at) return true;
    return span_whole(&value, least, most, number) && span_is_blank(value);
}

/* A child as a place among decisions and, behind them, leaves. */
static bool read_child(span *list, int64_t leaves, uint32_t *place) {
    int64_t child;
    if (!span_whole(list, -leaves, leaves - 2, &child)) return false;
    *place = (uint32_t)(child >= 0 ? child : leaves - 1 + ~child);
    return true;
}

static const char *read_decision(lines *lines, lightgbm_tree *tree, uint32_t index, uint32_t features, int64_t leaves) {
    trees_node *node = &tree->nodes[index];
    int64_t feature, kind;
    if (!span_whole(&lines->split_feature, 0, (int64_t)features - 1, &feature)) {
        return "has a split_feature that the model does not have";
    }
    if (!span_number(&lines->threshold, &node->threshold)) return "has no threshold";
    if (!span_whole(&lines->decision_type, -128, 127, &kind)) return "has no decision_type";
    if (!read_child(&lines->left_child, leaves, &node->left) || !read_child(&lines->right_child, leaves, &node->right)) {
        return "has a child outside of the tree";
    }
    node->feature = (uint32_t)feature;
    bool defaults_right = !(kind & DECISION_DEFAULT_LEFT);
    int missing = (int)kind >> DECISION_MISSING_SHIFT & 3;
    if (kind & DECISION_SET) {
        /* What is missing is in no set. */
        node->flags = TREES_SET | TREES_MISSING_RIGHT;
        return NULL;
    }
    if (isnan(node->threshold)) return "has no number for a threshold";
    if (missing == MISSING_ZERO) node->flags |= TREES_ZERO_MISSING;
    if (missing == MISSING_ZERO || missing == MISSING_NAN) {
        node->flags |= defaults_right ? TREES_MISSING_RIGHT : 0;
    } else {
        /* NaN counts as zero. */
        node->flags |= 0 > node->threshold ? TREES_MISSING_RIGHT : 0;
    }
    return NULL;
}

static const char *read_sets(lines *lines, lightgbm_tree *tree, int64_t set_count, uint32_t *culprit) {
    /* A tree without sets has neither of the lists; decisions by a set are then wrong. */
    uint32_t *begins = calloc((size_t)set_count + 1, sizeof *begins);
    if (!begins) return "can't be read: no memory left";
    const char *problem = NULL;
    for (int64_t index = 0; set_count > 0 && index <= set_count && !problem; ++index) {
        int64_t begin;
        int64_t least = index ? begins[index - 1] : 0;
        if (!span_whole(&lines->cat_boundaries, least, index ? SET_WORDS_MOST : 0, &begin)) {
            problem = "can't be read: cat_boundaries are not in order";
        } else {
            begins[index] = (uint32_t)begin;
        }
    }
    uint32_t words = problem ? 0 : begins[set_count];
    tree->words = calloc((size_t)words + 1, sizeof *tree->words);
    if (!tree->words) problem = "can't be read: no memory left";
    for (uint32_t index = 0; index < words && !problem; ++index) {
        int64_t word;
        if (!span_whole(&lines->cat_threshold, 0, UINT32_MAX, &word)) {
            problem = "can't be read: cat_threshold has not the words that cat_boundaries say";
        } else {
            tree->words[index] = (uint32_t)word;
        }
    }
    for (uint32_t index = 0; index < tree->count && !problem; ++index) {
        trees_node *node = &tree->nodes[index];
        if (!(node->flags & TREES_SET)) continue;
        *culprit = index;
        if (!(node->threshold >= 0 && node->threshold < (double)set_count)) {
            problem = "has categories that are not in the tree's list";
            break;
        }
        uint32_t set = (uint32_t)node->threshold;
        node->set = tree->words + begins[set];
        node->set_words = begins[set + 1] - begins[set];
    }
    free(begins);
    return problem;
}

/* Leaves that are linear models ask for features too. */
static const char *check_linear(lines *lines, uint32_t features, int64_t leaves) {
    if (!lines->leaf_const.at || !lines->num_features.at || !lines->leaf_features.at || !lines->leaf_coeff.at) {
        return "can't be read: a line that describes linear leaves is missing";
    }
    int64_t total = 0;
    for (int64_t leaf = 0; leaf < leaves; ++leaf) {
        int64_t count;
        double number;
        if (!span_whole(&lines->num_features, 0, features, &count)) return "can't be read: num_features of a linear leaf";
        if (!span_number(&lines->leaf_const, &number)) return "can't be read: leaf_const of a linear leaf";
        total += count;
    }
    for (int64_t index = 0; index < total; ++index) {
        int64_t feature;
        double number;
        if (!span_whole(&lines->leaf_features, 0, (int64_t)features - 1, &feature)
            || !span_number(&lines->leaf_coeff, &number)) {
            return "can't be read: leaf_features or leaf_coeff of linear leaves";
        }
    }
    return span_is_blank(lines->leaf_features) && span_is_blank(lines->leaf_coeff)
        ? NULL
        : "can't be read: more linear terms than num_features say";
}

static const char *read_nodes(
    lines *lines, uint32_t features, int64_t leaves, lightgbm_tree *tree, uint32_t *culprit) {
    for (uint32_t index = 0; index + 1 < (uint64_t)leaves; ++index) {
        *culprit = index;
        const char *problem = read_decision(lines, tree, index, features, leaves);
        if (problem) return problem;
    }
    for (int64_t leaf = 0; leaf < leaves; ++leaf) {
        trees_node *node = &tree->nodes[leaves - 1 + leaf];
        *culprit = (uint32_t)(leaves - 1 + leaf);
        node->flags = TREES_LEAF;
        if (!span_number(&lines->leaf_value, &node->threshold)) return "is a leaf without a value";
    }
    bool all = span_is_blank(lines->split_feature) && span_is_blank(lines->threshold)
        && span_is_blank(lines->decision_type) && span_is_blank(lines->left_child)
        && span_is_blank(lines->right_child) && span_is_blank(lines->leaf_value);
    /* Of a tree that is a single leaf the other lists may say anything; the library does not read them either. */
    return all || leaves == 1 ? NULL : "can't be read: a list is longer than num_leaves says";
}

const char *lightgbm_tree_read(span text, uint32_t features, lightgbm_tree *tree, uint32_t *culprit) {
    *tree = (lightgbm_tree){0};
    *culprit = 0;
    lines lines = {0};
    const char *problem = find_lines(text, &lines);
    if (problem) return problem;
    int64_t leaves = 0, sets = 0, is_linear = 0;
    if (!lines.num_leaves.at || !single(lines.num_leaves, 1, LEAVES_MOST, &leaves)) {
        return "can't be read: num_leaves is missing or no number of leaves";
    }
    /* A leaf takes two bytes at least: what a file says is no reason to ask for memory. */
    if ((uint64_t)leaves > lines.leaf_value.size / 2 + 1) return "can't be read: leaf_value is shorter than num_leaves";
    if (!lines.num_cat.at || !single(lines.num_cat, 0, leaves, &sets)) return "can't be read: num_cat is no number of sets";
    if (!single(lines.is_linear, 0, 1, &is_linear)) return "can't be read: is_linear is neither 0 nor 1";
    tree->is_linear = is_linear;
    tree->count = (uint32_t)(leaves * 2 - 1);
    tree->nodes = calloc(tree->count, sizeof *tree->nodes);
    if (!tree->nodes) return "can't be read: no memory left";
    problem = read_nodes(&lines, features, leaves, tree, culprit);
    if (!problem && leaves > 1) problem = read_sets(&lines, tree, sets, culprit);
    if (!problem) problem = trees_check(tree->nodes, tree->count, features, culprit);
    if (!problem) problem = check_others(&lines, leaves);
    if (!problem && is_linear) problem = check_linear(&lines, features, leaves);
    if (tree->is_linear) tree->unsupported = "leaves are linear models";
    return problem;
}

void lightgbm_tree_free(lightgbm_tree *tree) {
    free(tree->nodes);
    free(tree->words);
    *tree = (lightgbm_tree){0};
}
