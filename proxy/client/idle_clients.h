// Client connections that wait for a request, the one that has waited longest first. A connection is put at
// the end each time it falls idle and stays in its place when it goes to work: who looks at the front passes
// over those, so that a request costs nothing here. Owns nothing; a link leaves the list when it is
// destroyed.
#pragma once

#include <cstdint>

namespace holdfast {

class IdleLink {
 public:
  explicit IdleLink(std::uint64_t id) : id_(id) {}
  ~IdleLink() { unlink(); }
  IdleLink(const IdleLink&) = delete;
  IdleLink& operator=(const IdleLink&) = delete;

  void unlink() {
    previous_->next_ = next_;
    next_->previous_ = previous_;
    previous_ = next_ = this;
  }
  std::uint64_t id() const { return id_; }

 private:
  friend class IdleClients;
  std::uint64_t id_;
  IdleLink* previous_ = this;
  IdleLink* next_ = this;
};

class IdleClients {
 public:
  void add(IdleLink& link) {
    link.unlink();
    link.previous_ = end_.previous_;
    link.next_ = &end_;
    end_.previous_->next_ = &link;
    end_.previous_ = &link;
  }
  // nullptr: empty.
  IdleLink* front() { return end_.next_ == &end_ ? nullptr : end_.next_; }

 private:
  IdleLink end_{0};  // of a ring
};

}  // namespace holdfast
