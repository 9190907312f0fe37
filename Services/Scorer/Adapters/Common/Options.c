#include "adapter_options.h"

#include "adapter_status.h"
#include "adapter_text.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Entries of any map<string, string> have the same members; the two kinds here are checked below. */
typedef Slipway__Adapter__V1__LoadRequest__OptionsEntry entry;
_Static_assert(
    sizeof(entry) == sizeof(Slipway__Adapter__V1__AdapterOptions__OptionsEntry)
        && offsetof(entry, key) == offsetof(Slipway__Adapter__V1__AdapterOptions__OptionsEntry, key)
        && offsetof(entry, value) == offsetof(Slipway__Adapter__V1__AdapterOptions__OptionsEntry, value),
    "entries of the two maps are read as one kind");

/* A name that ends in `*` stands for all that begin alike. */
static bool stands_for(const char *known, const char *name) {
    size_t size = strlen(known);
    if (size == 0 || known[size - 1] != '*') return !strcmp(known, name);
    return !strncmp(known, name, size - 1) && strlen(name) >= size;
}

static const adapter_option *find(const adapter_option *table, const char *name) {
    for (; table->name; ++table) {
        if (stands_for(table->name, name)) return table;
    }
    return NULL;
}

/* Edits between two names, at most `most` of interest. */
static size_t distance(const char *left, const char *right) {
    enum { longest = 63 };
    size_t left_size = strlen(left), right_size = strlen(right);
    if (left_size > longest || right_size > longest) return longest;
    size_t row[longest + 1];
    for (size_t column = 0; column <= right_size; ++column) row[column] = column;
    for (size_t line = 1; line <= left_size; ++line) {
        size_t diagonal = row[0];
        row[0] = line;
        for (size_t column = 1; column <= right_size; ++column) {
            size_t above = row[column];
            size_t best = diagonal + (left[line - 1] != right[column - 1]);
            if (above + 1 < best) best = above + 1;
            if (row[column - 1] + 1 < best) best = row[column - 1] + 1;
            row[column] = best;
            diagonal = above;
        }
    }
    return row[right_size];
}

const char *adapter_closest(const char *name, const char *const *names) {
    const char *closest = NULL;
    size_t least = strlen(name) / 3 + 2;
    for (; *names; ++names) {
        size_t edits = distance(name, *names);
        if (edits < least) {
            least = edits;
            closest = *names;
        }
    }
    return closest;
}

static slipway_status *unknown(const adapter_settings *settings, const char *name) {
    adapter_text text = {0};
    const char *closest = NULL;
    size_t least = strlen(name) / 3 + 2;
    for (const adapter_option *option = settings->table; option->name; ++option) {
        size_t edits = distance(name, option->name);
        if (edits < least) {
            least = edits;
            closest = option->name;
        }
        adapter_text_format(&text, "%s%s", option == settings->table ? "" : ", ", option->name);
    }
    slipway_status *status;
    if (closest) {
        status = adapter_status(
            settings->host, SLIPWAY_INVALID_ARGUMENT, "%s has the option `%s`, which does not exist; did you mean `%s`?",
            settings->owner, name, closest);
    } else {
        status = adapter_status(
            settings->host, SLIPWAY_INVALID_ARGUMENT, "%s has the option `%s`, which does not exist; there are: %s",
            settings->owner, name, text.size ? adapter_text_string(&text) : "none");
    }
    adapter_text_free(&text);
    return status;
}

static slipway_status *check(const adapter_settings *settings) {
    for (size_t index = 0; index < settings->count; ++index) {
        const entry *given = settings->entries[index];
        if (!find(settings->table, given->key)) return unknown(settings, given->key);
    }
    return NULL;
}

slipway_status *adapter_settings_of_model(
    const slipway_host *host, const adapter_load_request *request, const adapter_option *table,
    adapter_settings *settings) {
    *settings = (adapter_settings){host, table, "the model", (void *const *)request->options, request->n_options};
    return check(settings);
}

slipway_status *adapter_settings_of_adapter(
    const slipway_host *host, const adapter_options_message *options, const adapter_option *table,
    adapter_settings *settings) {
    *settings = (adapter_settings){host, table, "the adapter", (void *const *)options->options, options->n_options};
    return check(settings);
}

static const char *given(const adapter_settings *settings, const char *name) {
    for (size_t index = settings->count; index-- > 0;) {
        const entry *candidate = settings->entries[index];
        if (!strcmp(candidate->key, name)) return candidate->value;
    }
    return NULL;
}

const char *adapter_setting(const adapter_settings *settings, const char *name) {
    const char *value = given(settings, name);
    if (value) return value;
    const adapter_option *option = find(settings->table, name);
    return option ? option->default_value : NULL;
}

bool adapter_setting_is_given(const adapter_settings *settings, const char *name) {
    return given(settings, name) != NULL;
}

slipway_status *adapter_setting_flag(const adapter_settings *settings, const char *name, bool *value) {
    const char *text = adapter_setting(settings, name);
    if (!text) return NULL;
    if (!strcmp(text, "true")) {
        *value = true;
    } else if (!strcmp(text, "false")) {
        *value = false;
    } else {
        return adapter_status(
            settings->host, SLIPWAY_INVALID_ARGUMENT, "the option `%s` is `%s`; it is true or false", name, text);
    }
    return NULL;
}

slipway_status *adapter_setting_integer(
    const adapter_settings *settings, const char *name, int64_t least, int64_t most, int64_t *value) {
    const char *text = adapter_setting(settings, name);
    if (!text) return NULL;
    char *end = NULL;
    errno = 0;
    long long parsed = strtoll(text, &end, 10);
    bool is_plain = (*text >= '0' && *text <= '9') || *text == '-';
    if (!is_plain || *end || errno || parsed < least || parsed > most) {
        return adapter_status(
            settings->host, SLIPWAY_INVALID_ARGUMENT, "the option `%s` is `%s`; it is a whole number from %lld to %lld",
            name, text, (long long)least, (long long)most);
    }
    *value = parsed;
    return NULL;
}

double adapter_number(const char *text, char **end) {
    static locale_t plain;
    locale_t locale = __atomic_load_n(&plain, __ATOMIC_ACQUIRE);
    if (!locale) {
        locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
        locale_t none = (locale_t)0;
        if (!__atomic_compare_exchange_n(&plain, &none, locale, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            freelocale(locale);
            locale = none;
        }
    }
    return strtod_l(text, end, locale);
}

slipway_status *adapter_setting_number(const adapter_settings *settings, const char *name, double *value) {
    const char *text = adapter_setting(settings, name);
    if (!text) return NULL;
    char *end = NULL;
    double parsed = adapter_number(text, &end);
    if (end == text || *end || *text == ' ') {
        return adapter_status(
            settings->host, SLIPWAY_INVALID_ARGUMENT, "the option `%s` is `%s`; it is a number", name, text);
    }
    *value = parsed;
    return NULL;
}

slipway_status *adapter_setting_choice(
    const adapter_settings *settings, const char *name, const char *const *choices, int *value) {
    const char *text = adapter_setting(settings, name);
    if (!text) return NULL;
    for (int index = 0; choices[index]; ++index) {
        if (!strcmp(choices[index], text)) {
            *value = index;
            return NULL;
        }
    }
    adapter_text list = {0};
    for (int index = 0; choices[index]; ++index) adapter_text_format(&list, "%s%s", index ? ", " : "", choices[index]);
    slipway_status *status = adapter_status(
        settings->host, SLIPWAY_INVALID_ARGUMENT, "the option `%s` is `%s`; it is one of %s", name, text,
        adapter_text_string(&list));
    adapter_text_free(&list);
    return status;
}
