// Objects in the order they were added, each in the ring once at most, without a copy or an allocation: the
// link is a member of the object and leaves the ring when it is destroyed. Owns nothing.
#pragma once

namespace holdfast::core {

template <class T>
class Ring {
 public:
  class Link {
   public:
    explicit Link(T& owner) : owner_(&owner) {}
    ~Link() { unlink(); }
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    bool linked() const { return next_ != this; }
    void unlink() {
      previous_->next_ = next_;
      next_->previous_ = previous_;
      previous_ = next_ = this;
    }

   private:
    friend class Ring;
    Link() = default;  // the end of a ring

    T* owner_ = nullptr;
    Link* previous_ = this;
    Link* next_ = this;
  };

  bool empty() const { return !end_.linked(); }
  // To the end, from wherever it is.
  void add(Link& link) {
    link.unlink();
    link.previous_ = end_.previous_;
    link.next_ = &end_;
    end_.previous_->next_ = &link;
    end_.previous_ = &link;
  }
  // nullptr: empty.
  T* front() const { return end_.next_->owner_; }
  // The front leaves the ring.
  T* take_front() {
    Link& link = *end_.next_;
    if (&link != &end_) link.unlink();
    return link.owner_;
  }
  // All of `other` come behind these.
  void take_all(Ring& other) {
    while (!other.empty()) add(*other.end_.next_);
  }

 private:
  Link end_;
};

}  // namespace holdfast::core
