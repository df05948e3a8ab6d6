#include <algorithm>
#include <limits>
#include <set>
#include <vector>

#include <tinygan/data/batches.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using data::Batches;
using data::LastBatch;
using support::contains;
using support::error_of;

namespace {

std::vector<std::vector<std::int32_t>> take(Batches& b, index_t n) {
  std::vector<std::vector<std::int32_t>> out;
  for (index_t i = 0; i < n; ++i) {
    const auto batch = b.next();
    out.emplace_back(batch.begin(), batch.end());
  }
  return out;
}

std::vector<std::int32_t> epoch(Batches& b) {
  std::vector<std::int32_t> out;
  for (const auto& batch : take(b, b.per_epoch())) out.insert(out.end(), batch.begin(), batch.end());
  return out;
}

}  // namespace

TEST_CASE("an epoch is a permutation, cut into batches with the rest kept or dropped") {
  for (const index_t count : {1, 2, 7, 100, 1009})
    for (const index_t size : {1, 2, 7, 32}) {
      Batches keep(count, {.batch_size = size, .last = LastBatch::keep, .seed = 5});
      CHECK(keep.per_epoch() == (count + size - 1) / size);
      for (int e = 0; e < 3; ++e) {
        std::vector<std::int32_t> all = epoch(keep);
        std::sort(all.begin(), all.end());
        REQUIRE(static_cast<index_t>(all.size()) == count);
        for (index_t i = 0; i < count; ++i) CHECK(all[static_cast<std::size_t>(i)] == i);
      }
      if (size > count) continue;
      Batches drop(count, {.batch_size = size, .last = LastBatch::drop, .seed = 5});
      CHECK(drop.per_epoch() == count / size);
      for (int e = 0; e < 3; ++e) {
        const auto batches = take(drop, drop.per_epoch());
        std::set<std::int32_t> seen;
        for (const auto& batch : batches) {
          CHECK(static_cast<index_t>(batch.size()) == size);
          seen.insert(batch.begin(), batch.end());
        }
        CHECK(static_cast<index_t>(seen.size()) == count / size * size);  // none twice
        CHECK(*seen.rbegin() < count);
      }
    }
}

TEST_CASE("the order depends on seed and epoch alone") {
  Batches a(500, {.batch_size = 10, .seed = 1}), b(500, {.batch_size = 50, .last = LastBatch::keep, .seed = 1});
  const auto first = epoch(a), second = epoch(a);
  CHECK(first == epoch(b));  // whatever the batch size
  CHECK(second == epoch(b));
  CHECK(first != second);
  Batches other(500, {.batch_size = 10, .seed = 2});
  CHECK(epoch(other) != first);
  Batches high(500, {.batch_size = 10, .seed = 1 + (std::uint64_t{1} << 32)});
  CHECK(epoch(high) != first);
  Batches plain(5, {.batch_size = 2, .last = LastBatch::keep, .shuffle = false});
  CHECK(take(plain, 4) == std::vector<std::vector<std::int32_t>>{{0, 1}, {2, 3}, {4}, {0, 1}});
}

TEST_CASE("every position of every image is equally likely") {
  // 6 images, 12000 epochs: each (image, place) pair is binomial, mean 2000, standard deviation 40.8. Five of those.
  Batches b(6, {.batch_size = 6, .seed = 3});
  int counts[6][6] = {};
  for (int e = 0; e < 12000; ++e) {
    const auto order = b.next();
    for (std::size_t place = 0; place < 6; ++place) ++counts[order[place]][place];
  }
  for (const auto& row : counts)
    for (const int c : row) CHECK(std::abs(c - 2000) < 204);
}

TEST_CASE("a saved position goes on exactly where it was, forwards and backwards") {
  const data::BatchOptions options{.batch_size = 8, .last = LastBatch::keep, .seed = 9};
  Batches a(50, options);
  take(a, 17);  // 7 batches an epoch: epoch 2, batch 3
  CHECK(a.position() == data::BatchPosition{2, 3});
  const data::BatchPosition saved = a.position();
  const auto rest = take(a, 30);
  Batches b(50, options);
  b.seek(saved);
  CHECK(b.position() == saved);
  CHECK(take(b, 30) == rest);
  b.seek(saved);
  CHECK(take(b, 30) == rest);
  b.seek({1, 7});  // the end of an epoch is a position too
  a.seek({2, 0});
  CHECK(take(b, 5) == take(a, 5));
  for (const data::BatchPosition wrong : {data::BatchPosition{-1, 0}, {0, -1}, {0, 8}})
    CHECK(contains(error_of([&] { a.seek(wrong); }), "and a batch from 0 to"));
}

TEST_CASE("impossible batches are refused") {
  const auto message = [](index_t count, index_t size, LastBatch last) {
    return error_of([&] { Batches(count, {.batch_size = size, .last = last}); });
  };
  CHECK(contains(message(10, 0, LastBatch::keep), "batch size 0, expected at least 1"));
  CHECK(contains(message(10, -3, LastBatch::drop), "batch size -3, expected at least 1"));
  CHECK(contains(message(10, 11, LastBatch::drop), "batch size 11, expected at most 10"));
  CHECK(message(10, 11, LastBatch::keep).empty());
  constexpr index_t most = std::numeric_limits<index_t>::max();
  CHECK(Batches(10, {.batch_size = most, .last = LastBatch::keep}).per_epoch() == 1);
  Batches whole(10, {.batch_size = most, .last = LastBatch::keep});
  CHECK(whole.next().size() == 10);
  CHECK(whole.next().size() == 10);
  CHECK(message(10, 10, LastBatch::drop).empty());
  CHECK(contains(message(0, 1, LastBatch::keep), "0 images"));
  CHECK(contains(message(index_t{1} << 31, 1, LastBatch::keep), "images, expected 1 to"));
}
