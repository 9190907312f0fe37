#include "Model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What the sets of one tree may take: hostile files name categories far away. */
#define SET_WORDS_MOST (1u << 22)
#define CATEGORY_MOST (1u << 24)

void xgboost_tree_free(xgboost_tree *tree) {
    free(tree->nodes);
    free(tree->words);
    *tree = (xgboost_tree){0};
}

/* A whole number of a list; -2 where it is none, or out of what places can be. */
static int64_t whole(const value *numbers, size_t index) {
    double number = numbers->numbers[index];
    return number >= -1 && number <= UINT32_MAX && number == floor(number) ? (int64_t)number : -2;
}

/* Lists of a tree that describe its sets. */
typedef struct sets {
    const value *nodes, *begins, *sizes, *categories;
} sets;

static const char *find_sets(const value *tree, sets *sets) {
    *sets = (struct sets){
        value_numbers_of(tree, "categories_nodes"), value_numbers_of(tree, "categories_segments"),
        value_numbers_of(tree, "categories_sizes"), value_numbers_of(tree, "categories")};
    if (!sets->nodes && !sets->begins && !sets->sizes && !sets->categories) return NULL;
    if (!sets->nodes || !sets->begins || !sets->sizes || !sets->categories) {
        return "has only some of the lists that describe categories";
    }
    if (sets->begins->count != sets->nodes->count || sets->sizes->count != sets->nodes->count) {
        return "has lists of categories of different lengths";
    }
    return NULL;
}

/* The words that the set of one node takes; -1 where it is not within the lists. */
static int64_t words_of(const sets *sets, size_t index) {
    int64_t begin = whole(sets->begins, index), size = whole(sets->sizes, index), most = -1;
    if (begin < 0 || size < 0 || begin + size > (int64_t)sets->categories->count) return -1;
    for (int64_t place = begin; place < begin + size; ++place) {
        int64_t category = whole(sets->categories, (size_t)place);
        if (category < 0 || category >= CATEGORY_MOST) return -1;
        if (category > most) most = category;
    }
    return most / 32 + 1;
}

static const char *read_sets(const sets *sets, xgboost_tree *read, uint32_t *culprit) {
    uint64_t total = 0;
    size_t deciding = 0;
    for (uint32_t index = 0; index < read->count; ++index) {
        *culprit = index;
        deciding += (read->nodes[index].flags & TREES_SET) != 0;
    }
    if (deciding != (sets->nodes ? sets->nodes->count : 0)) return "or another one decides by categories and has none";
    if (!sets->nodes) return NULL;
    for (size_t index = 0; index < sets->nodes->count; ++index) {
        int64_t node = whole(sets->nodes, index), words = words_of(sets, index);
        *culprit = node < 0 ? 0 : (uint32_t)node;
        if (node < 0 || node >= read->count) return "has categories but is not in the tree";
        if (index > 0 && node <= whole(sets->nodes, index - 1)) return "is out of order in categories_nodes";
        if (!(read->nodes[node].flags & TREES_SET)) return "has categories but does not decide by them";
        if (words < 1) return "has categories that are not in the tree's list, or no categories";
        total += (uint64_t)words;
    }
    if (total > SET_WORDS_MOST) return "is in a tree with more categories than can be read";
    read->words = calloc(total + 1, sizeof *read->words);
    if (!read->words) return "can't be read: no memory left";
    uint32_t *next = read->words;
    for (size_t index = 0; index < sets->nodes->count; ++index) {
        trees_node *node = &read->nodes[whole(sets->nodes, index)];
        size_t begin = (size_t)whole(sets->begins, index), size = (size_t)whole(sets->sizes, index);
        node->set = next;
        node->set_words = (uint32_t)words_of(sets, index);
        for (size_t place = begin; place < begin + size; ++place) {
            uint32_t category = (uint32_t)whole(sets->categories, place);
            next[category / 32] |= 1u << category % 32;
        }
        next += node->set_words;
    }
    return NULL;
}

static void read_decision(const value *lists[6], uint32_t index, xgboost_tree *read) {
    trees_node *node = &read->nodes[index];
    float condition = (float)lists[3]->numbers[index];
    node->flags = lists[4]->numbers[index] != 0 ? 0 : TREES_MISSING_RIGHT;
    if (lists[5] && lists[5]->numbers[index] == 1) {
        node->flags |= TREES_SET;
    } else if (isnan(condition) || condition == -INFINITY) {
        read->unsupported = "a threshold is NaN or minus infinity";
    } else {
        /* Left is less than; a forest's left is not greater than. */
        node->threshold = nextafter(condition, -INFINITY);
    }
}

static const char *read_nodes(const value *lists[6], xgboost_tree *read, uint32_t *culprit) {
    for (uint32_t index = 0; index < read->count; ++index) {
        trees_node *node = &read->nodes[index];
        int64_t left = whole(lists[0], index), right = whole(lists[1], index), feature = whole(lists[2], index);
        *culprit = index;
        if (left == -1) {
            node->flags = TREES_LEAF;
            node->threshold = (float)lists[3]->numbers[index];
            continue;
        }
        if (left < 0 || right < 0 || left >= read->count || right >= read->count) {
            return "has a child outside of the tree";
        }
        if (feature < 0) return "splits by what is no feature";
        node->left = (uint32_t)left;
        node->right = (uint32_t)right;
        node->feature = (uint32_t)feature;
        read_decision(lists, index, read);
    }
    return NULL;
}

/* Where the root's parent would be. */
#define NO_PARENT INT32_MAX

/* The library walks up by these. */
static const char *check_parents(const value *tree, const xgboost_tree *read, uint32_t *culprit) {
    const value *parents = value_numbers_of(tree, "parents");
    if (!parents || parents->count != read->count) return "can't be read: parents is missing, or of another length";
    for (uint32_t index = 0; index < read->count; ++index) {
        int64_t parent = whole(parents, index);
        *culprit = index;
        bool is_none = parent == NO_PARENT || parent == -1;
        if (!is_none && (parent < 0 || parent >= read->count)) return "has a parent outside of the tree";
        const trees_node *node = &read->nodes[index];
        if (node->flags & TREES_LEAF) continue;
        if (whole(parents, node->left) != index || whole(parents, node->right) != index) {
            return "has a child that has another parent";
        }
    }
    return NULL;
}

/* Lists of no use here, which the library trusts to be as long as the others; and counts that it reserves memory by. */
static const char *check_others(const value *tree, uint32_t count) {
    static const char *const names[] = {"loss_changes", "sum_hessian", "base_weights", NULL};
    const value *parameters = value_member(tree, "tree_param");
    int64_t number, vector = 1;
    if (!value_integer_of(parameters, "num_nodes", count, count, &number)) {
        return "can't be read: tree_param.num_nodes is not the length of the lists";
    }
    value_integer_of(parameters, "size_leaf_vector", 0, 1 << 20, &vector);
    for (const char *const *name = names; *name; ++name) {
        const value *list = value_member(tree, *name);
        bool is_list = list && (list->kind == value_numbers || list->kind == value_skipped);
        bool is_vectors = name == names + 2 && vector > 1;
        if (!is_list || list->count != (uint64_t)count * (uint64_t)(is_vectors ? vector : 1)) {
            return "can't be read: a list of the tree is missing, or of another length";
        }
    }
    return NULL;
}

const char *xgboost_tree_read(const value *tree, uint32_t features, xgboost_tree *read, uint32_t *culprit) {
    static const char *const names[] = {
        "left_children", "right_children", "split_indices", "split_conditions", "default_left", "split_type"};
    *read = (xgboost_tree){0};
    *culprit = 0;
    const value *lists[6];
    for (int index = 0; index < 6; ++index) {
        lists[index] = value_numbers_of(tree, names[index]);
        bool may_be_absent = index == 5;
        if (!lists[index] && !may_be_absent) return "can't be read: a list of the tree is missing";
        if (lists[index] && lists[index]->count != lists[0]->count) return "can't be read: lists differ in length";
    }
    if (lists[0]->count > TREES_NODES_MAX) return "is one of more than can be read";
    read->count = (uint32_t)lists[0]->count;
    read->nodes = calloc((size_t)read->count + 1, sizeof *read->nodes);
    if (!read->nodes) return "can't be read: no memory left";
    const char *problem = read_nodes(lists, read, culprit);
    if (!problem) problem = trees_check(read->nodes, read->count, features, culprit);
    sets sets;
    if (!problem) problem = find_sets(tree, &sets);
    if (!problem) problem = read_sets(&sets, read, culprit);
    if (!problem) problem = check_parents(tree, read, culprit);
    if (!problem) problem = check_others(tree, read->count);
    return problem;
}
