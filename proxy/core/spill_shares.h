// The spool is divided, so that nobody can fill it for all: uploads and answers may each use up to three
// quarters of it, and one client up to half. SpillShares counts; a ClientSpill is one client's door to
// the store for one use, and gives out files that ask here before they grow. Pure but for the store behind.
//
//   BodyStore --create()--> ClientSpill --create()--> SpillStore (disk)
//       |                       |
//       '----append()---> file with a share ----append()---> file on disk
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "proxy/core/client_key.h"
#include "proxy/core/spill.h"

namespace holdfast::core {

enum class SpillUse : std::uint8_t { upload, answer };
inline constexpr std::size_t kSpillUses = 2;
std::string_view spill_use_name(SpillUse use);

// Whose part was used up; `store`: the disk, or no file could be made.
enum class SpillShare : std::uint8_t { whole, use, client, store };
inline constexpr std::size_t kSpillShares = 4;
std::string_view spill_share_name(SpillShare share);

class SpillShares {
 public:
  explicit SpillShares(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}

  void set_max(std::uint64_t bytes) { bytes_max_ = bytes; }
  std::uint64_t most() const { return bytes_max_; }
  std::uint64_t most_of_use() const { return bytes_max_ - bytes_max_ / 4; }
  std::uint64_t most_of_client() const { return bytes_max_ / 2; }

  // Nothing: there was room, the bytes are counted. Else which part has none.
  [[nodiscard]] std::optional<SpillShare> take(SpillUse use, const ClientKey& client, std::uint64_t bytes);
  void give_back(SpillUse use, const ClientKey& client, std::uint64_t bytes);
  void count_refusal(SpillUse use, SpillShare share) { ++refused_[index(use)][index(share)]; }

  std::uint64_t used(SpillUse use) const { return used_[index(use)]; }
  std::uint64_t used_by(const ClientKey& client) const;
  std::size_t clients() const { return by_client_.size(); }
  std::uint64_t refused(SpillUse use, SpillShare share) const { return refused_[index(use)][index(share)]; }

 private:
  static std::size_t index(auto value) { return static_cast<std::size_t>(value); }

  std::uint64_t bytes_max_;
  std::array<std::uint64_t, kSpillUses> used_{};
  std::unordered_map<ClientKey, std::uint64_t, ClientKeyHash> by_client_;
  std::array<std::array<std::uint64_t, kSpillShares>, kSpillUses> refused_{};
};

class ClientSpill final : public SpillStore {
 public:
  // Both references outlive it and its files.
  ClientSpill(SpillStore& store, SpillShares& shares, SpillUse use, const ClientKey& client)
      : store_(store), shares_(shares), use_(use), client_(client) {}
  ClientSpill(const ClientSpill&) = delete;
  ClientSpill& operator=(const ClientSpill&) = delete;

  // Whose share the files to come are of.
  void set_client(const ClientKey& client) { client_ = client; }

  std::unique_ptr<SpillFile> create(std::string& error) override;
  std::uint64_t bytes_in_use() const override { return shares_.used(use_); }
  int error_code() const override { return store_.error_code(); }

  // For a body that is longer than any client's share: counted, and said, as that one used up.
  void refuse_client() {
    refused_ = SpillShare::client;
    shares_.count_refusal(use_, refused_);
  }

  // Why the last append() or create() failed, and the same in words for the log.
  SpillShare refused() const { return refused_; }
  std::string refusal() const;

 private:
  class File;

  SpillStore& store_;
  SpillShares& shares_;
  SpillUse use_;
  ClientKey client_;
  SpillShare refused_ = SpillShare::store;
};

}  // namespace holdfast::core
