// core::SpillStore in memory, with a budget and with failures by chance. Checks what the store is promised:
// nothing is read that was discarded, nor past what was written.
#pragma once

#include <memory>
#include <string>

#include "proxy/core/spill.h"
#include "universe.h"

namespace holdfast::sim {

struct SpillKnobs {
  std::uint64_t most = std::uint64_t{64} << 20;
  unsigned create_fails_percent = 0;
  unsigned append_fails_percent = 0;
  unsigned read_fails_percent = 0;
};

class FakeSpill final : public core::SpillStore {
 public:
  FakeSpill(Universe& universe, SpillKnobs knobs) : universe_(universe), knobs_(knobs) {}

  std::unique_ptr<core::SpillFile> create(std::string& error) override {
    if (universe_.random.chance(knobs_.create_fails_percent)) {
      error = "no file can be made";
      return nullptr;
    }
    return std::make_unique<File>(*this);
  }
  std::uint64_t bytes_in_use() const override { return bytes_; }
  std::size_t files() const { return files_; }
  std::size_t created() const { return created_; }
  void calm_down() {
    knobs_.create_fails_percent = knobs_.append_fails_percent = knobs_.read_fails_percent = 0;
  }

 private:
  class File final : public core::SpillFile {
   public:
    explicit File(FakeSpill& store) : store_(store) {
      ++store_.files_;
      ++store_.created_;
    }
    ~File() override {
      --store_.files_;
      store_.bytes_ -= bytes_.size() - freed_;
    }
    bool append(std::string_view bytes) override {
      store_.universe_.require(!failed_, "append() to a spill file that has failed");
      failed_ = store_.bytes_ + bytes.size() > store_.knobs_.most ||
                store_.universe_.random.chance(store_.knobs_.append_fails_percent);
      if (failed_) return false;
      bytes_.append(bytes);
      store_.bytes_ += bytes.size();
      return true;
    }
    bool read(std::uint64_t offset, std::size_t bytes_max, std::string& out) override {
      store_.universe_.require(offset >= freed_, "a spill file is read where it was discarded");
      store_.universe_.require(offset + bytes_max <= bytes_.size(), "a spill file is read past its end");
      if (store_.universe_.random.chance(store_.knobs_.read_fails_percent)) return false;
      out.append(bytes_, static_cast<std::size_t>(offset), bytes_max);
      return true;
    }
    void discard_before(std::uint64_t offset) override {
      store_.bytes_ -= offset - freed_;
      freed_ = offset;
    }
    std::uint64_t stored_bytes() const override { return bytes_.size() - freed_; }

   private:
    FakeSpill& store_;
    std::string bytes_;
    std::uint64_t freed_ = 0;
    bool failed_ = false;
  };

  Universe& universe_;
  SpillKnobs knobs_;
  std::uint64_t bytes_ = 0;
  std::size_t files_ = 0;
  std::size_t created_ = 0;
};

}  // namespace holdfast::sim
