// A hash table of nodes that stay where they are while they are in, and are used again afterwards: in steady
// use it allocates nothing, and a node may be linked into lists. Chains of nodes in buckets by the low bits
// of a seeded hash, so that nobody can choose keys that are slow to find.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace holdfast::core {

template <typename T>
class NodeTable {
 public:
  struct Node : T {
    std::uint64_t key = 0;
    Node* chain = nullptr;  // the next in its bucket, or the next free one
  };

  explicit NodeTable(std::uint64_t seed) : seed_(seed), buckets_(kBucketsLeast) {}
  NodeTable(const NodeTable&) = delete;
  NodeTable& operator=(const NodeTable&) = delete;

  // nullptr: not in.
  Node* find(std::uint64_t key) const {
    Node* node = buckets_[bucket_of(key)];
    while (node != nullptr && node->key != key) node = node->chain;
    return node;
  }
  // As new. Precondition: not in.
  Node& add(std::uint64_t key) {
    if (size_ >= buckets_.size()) grow();
    Node* node = free_;
    if (node != nullptr) {
      free_ = node->chain;
      *node = {};
    } else {
      node = &nodes_.emplace_back();
    }
    node->key = key;
    put(*node);
    ++size_;
    return *node;
  }
  // Precondition: it is in.
  void remove(Node& node) {
    Node** link = &buckets_[bucket_of(node.key)];
    while (*link != &node) link = &(*link)->chain;
    *link = node.chain;
    node.chain = free_;
    free_ = &node;
    --size_;
  }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  static constexpr std::size_t kBucketsLeast = 16;  // a power of two, as all that follow

  // splitmix64.
  std::size_t bucket_of(std::uint64_t key) const {
    std::uint64_t mixed = (key ^ seed_) + 0x9e3779b97f4a7c15U;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
    return static_cast<std::size_t>(mixed ^ (mixed >> 31)) & (buckets_.size() - 1);
  }
  void put(Node& node) {
    Node*& bucket = buckets_[bucket_of(node.key)];
    node.chain = bucket;
    bucket = &node;
  }
  void grow() {
    std::vector<Node*> old(2 * buckets_.size());
    old.swap(buckets_);
    for (Node* node : old) {
      while (node != nullptr) {
        Node* const next = node->chain;
        put(*node);
        node = next;
      }
    }
  }

  std::uint64_t seed_;
  std::vector<Node*> buckets_;
  std::deque<Node> nodes_;
  Node* free_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace holdfast::core
