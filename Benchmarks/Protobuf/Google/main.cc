// Google's C++ on the same messages. Fresh: a new message or a new string each time, as the Swift program does. Reused:
// one message or one string for all rounds, which C++ allows and which spares it most allocations. No arenas.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <limits>
#include <string>

#include "bench.pb.h"

namespace bench = slipway::bench::v1;

template <typename Body>
double best(int count, Body body) {
    double best = std::numeric_limits<double>::infinity();
    for (int round = 0; round < 7; ++round) {
        auto start = std::chrono::steady_clock::now();
        for (int index = 0; index < count; ++index) body();
        std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
        best = std::min(best, taken.count() / count);
    }
    return best;
}

template <typename T>
void keep(const T& value) {
    asm volatile("" : : "r"(&value) : "memory");
}

template <typename M>
void measure(const char* name, const M& message) {
    std::string bytes = message.SerializeAsString();
    int count = bytes.size() > 100000 ? 300 : 100000;
    double encode = best(count, [&] { std::string out = message.SerializeAsString(); keep(out); });
    double decode = best(count, [&] { M fresh; fresh.ParseFromString(bytes); keep(fresh); });
    std::string out;
    double encode_reused = best(count, [&] { message.SerializeToString(&out); keep(out); });
    M reused;
    double decode_reused = best(count, [&] { reused.ParseFromString(bytes); keep(reused); });
    std::printf("%s %zu %f %f %f %f\n", name, bytes.size(), encode, decode, encode_reused, decode_reused);
}

int main() {
    bench::Flat flat;
    flat.set_name("recommendations");
    flat.set_id(1234567890123);
    flat.set_count(42);
    flat.set_enabled(true);
    flat.set_score(0.987);
    flat.set_token("0123456789abcdef0123456789abcdef");
    flat.set_trace(0xfeedfacecafebeef);
    measure("flat", flat);

    bench::Nested nested;
    nested.set_id("order-2024-000123");
    auto* customer = nested.mutable_customer();
    customer->set_name("Ada Lovelace");
    customer->set_email("ada.lovelace@example.com");
    customer->mutable_address()->set_street("12 Long Acre Street");
    customer->mutable_address()->set_city("Z\xc3\xbcrich");
    customer->mutable_address()->set_code(8001);
    for (int index = 0; index < 10; ++index) {
        auto* item = nested.add_items();
        item->set_sku("sku-" + std::to_string(index) + "-abcdefghijkl");
        item->set_quantity(index * 30);
        item->set_price(9.99 * index);
        item->add_tags("new");
        item->add_tags("discounted-" + std::to_string(index));
        item->add_tags("a tag that is rather long");
    }
    (*nested.mutable_labels())["team"] = "forecasting";
    (*nested.mutable_labels())["environment"] = "production";
    (*nested.mutable_labels())["region"] = "eu-central-1";
    (*nested.mutable_totals())["net"] = 123456;
    (*nested.mutable_totals())["gross"] = 146913;
    for (int index = 0; index < 20; ++index) nested.add_history(index * 1000);
    measure("nested", nested);

    bench::Floats floats;
    floats.set_name("input");
    for (int extent : {1, 512, 512}) floats.add_shape(extent);
    for (int index = 0; index < 262144; ++index) floats.add_values(index * 0.5f);
    measure("floats", floats);

    bench::Blob blob;
    blob.set_name("input");
    for (int extent : {1, 512, 512}) blob.add_shape(extent);
    blob.set_raw(std::string(1 << 20, 7));
    measure("blob", blob);
}
