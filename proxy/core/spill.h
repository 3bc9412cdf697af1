// Where a body goes that is too large for memory: an unlinked file, behind an interface so that core/ has no
// file system.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace holdfast::core {

// Write at the end, read anywhere. Destroying it gives its bytes back to the store's budget.
class SpillFile {
 public:
  virtual ~SpillFile() = default;
  // False on a failure (disk full); nothing can be appended afterwards.
  [[nodiscard]] virtual bool append(std::string_view bytes) = 0;
  // Appends up to `bytes_max` bytes from `offset` to `out`. False on a read error.
  [[nodiscard]] virtual bool read(std::uint64_t offset, std::size_t bytes_max, std::string& out) = 0;
  // Tells that bytes before `offset` will not be read again (their blocks may be freed).
  virtual void discard_before(std::uint64_t offset) = 0;
  // What it takes of the store's budget; the maximum: it does not tell.
  virtual std::uint64_t stored_bytes() const { return UINT64_MAX; }
};

class SpillStore {
 public:
  virtual ~SpillStore() = default;
  // A new empty file; nullptr when none can be made, with `error`.
  virtual std::unique_ptr<SpillFile> create(std::string& error) = 0;
  // Bytes in all its files together.
  virtual std::uint64_t bytes_in_use() const = 0;
  // Why the last create() failed, an errno value; 0: it did not.
  virtual int error_code() const { return 0; }
};

}  // namespace holdfast::core
