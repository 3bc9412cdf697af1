// Bytes of one body between the two sides: in memory up to a limit, then in a spill file. Owns both. Two ways
// to read, and a body uses one of them: a request is read() at any place, so that a retry can read it again;
// a response is taken from the front (front()/drop(), or take()), which frees what was taken.
//
//   bytes in order:   [ memory, memory_max at most ][ spill file, from the first byte that did not fit ][
//   tail ]
//
// The tail is what waits to go to the file: small pieces are joined there, so that a body of one-byte chunks
// does not cost a write(2) for each. A store that was emptied from the front gives its file back and begins
// in memory again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/core/memory_budget.h"
#include "proxy/core/spill.h"

namespace holdfast::core {

enum class [[nodiscard]] Append : std::uint8_t{
    ok,
    spill_failed,  // nothing of the bytes was stored; what was stored before is still there to read
};

class BodyStore {
 public:
  // `spill` may be nullptr: then memory_max is the limit. `budget` may be nullptr: memory is not counted.
  // Both outlive the store.
  BodyStore(SpillStore* spill, std::size_t memory_max, MemoryBudget* budget = nullptr)
      : spill_(spill), budget_(budget), memory_max_(memory_max) {}
  ~BodyStore();
  // What was moved from is empty.
  BodyStore(BodyStore&& other) noexcept;
  BodyStore& operator=(BodyStore&&) = delete;
  BodyStore(const BodyStore&) = delete;
  BodyStore& operator=(const BodyStore&) = delete;

  // Only while it is empty.
  void set_memory_max(std::size_t bytes) { memory_max_ = bytes; }

  Append append(std::string_view bytes);
  // After appending: where the budget has no room for bodies the tail goes to the file at once.
  void relieve();
  // Bytes stored and not taken.
  std::uint64_t size() const { return memory_.size() - taken_ + file_bytes_ + tail_.size(); }
  bool empty() const { return size() == 0; }
  // Of these, the ones in memory.
  std::size_t memory_bytes() const { return memory_.size() - taken_ + tail_.size(); }
  // A spill file is in use now.
  bool spilled() const { return file_ != nullptr; }
  // Why spill_failed came: text for the log.
  const std::string& error() const { return error_; }

  // Appends up to `bytes_max` bytes from `offset` (counted from the front) to `out`; fewer at the end, and
  // where memory and file meet only if the file fails. False on a read error of the file.
  [[nodiscard]] bool read(std::uint64_t offset, std::size_t bytes_max, std::string& out) const;

  // The bytes at the front that are in memory, without a copy; valid until the next call that changes the
  // store. Empty when the front lies behind them.
  std::string_view front() const { return std::string_view(memory_).substr(taken_); }
  // Forgets `bytes` bytes (<= size()) at the front.
  void drop(std::uint64_t bytes);
  // Moves up to `bytes_max` bytes from the front to the end of `out`. False on a read error of the file.
  [[nodiscard]] bool take(std::size_t bytes_max, std::string& out);

  void clear();
  // Gives the memory back that clear() keeps for the next body.
  void shrink();

 private:
  bool append_to_file(std::string_view bytes);
  bool write_to_file(std::string_view bytes);
  void append_to_memory(std::string_view bytes);
  void recount();

  SpillStore* spill_;
  MemoryBudget* budget_;
  std::uint64_t counted_ = 0;  // in budget_
  std::size_t memory_max_;
  std::string memory_;
  std::size_t taken_ = 0;  // bytes at the start of memory_ that are gone already
  std::unique_ptr<SpillFile> file_;
  std::uint64_t file_front_ = 0;  // offset in the file of its first byte that was not taken
  std::uint64_t file_bytes_ = 0;  // bytes in the file from there on
  std::string tail_;              // behind them; only while there is a file, or was one
  bool file_broken_ = false;      // a failed append: nothing may follow in this file
  std::string error_;
};

}  // namespace holdfast::core
