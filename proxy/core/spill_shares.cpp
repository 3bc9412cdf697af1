// See spill_shares.h.
#include "proxy/core/spill_shares.h"

#include <cassert>

namespace holdfast::core {

std::string_view spill_use_name(SpillUse use) {
  switch (use) {
    case SpillUse::upload: return "upload";
    case SpillUse::answer: return "answer";
  }
  return "";
}

std::string_view spill_share_name(SpillShare share) {
  switch (share) {
    case SpillShare::whole: return "whole";
    case SpillShare::use: return "use";
    case SpillShare::client: return "client";
    case SpillShare::store: return "store";
  }
  return "";
}

std::uint64_t SpillShares::used_by(const ClientKey& client) const {
  const auto found = by_client_.find(client);
  return found == by_client_.end() ? 0 : found->second;
}

// The narrowest part first: it says most about who is to blame.
std::optional<SpillShare> SpillShares::take(SpillUse use, const ClientKey& client, std::uint64_t bytes) {
  const auto lacks = [bytes](std::uint64_t used, std::uint64_t most) {
    return used > most || bytes > most - used;  // a reload may have lowered it
  };
  std::optional<SpillShare> share;
  if (lacks(used_by(client), most_of_client())) {
    share = SpillShare::client;
  } else if (lacks(used(use), most_of_use())) {
    share = SpillShare::use;
  } else if (lacks(used(SpillUse::upload) + used(SpillUse::answer), most())) {
    share = SpillShare::whole;
  }
  if (share) {
    count_refusal(use, *share);
    return share;
  }
  used_[index(use)] += bytes;
  by_client_[client] += bytes;
  return std::nullopt;
}

void SpillShares::give_back(SpillUse use, const ClientKey& client, std::uint64_t bytes) {
  if (bytes == 0) return;
  const auto found = by_client_.find(client);
  assert(found != by_client_.end() && found->second >= bytes && used(use) >= bytes);
  used_[index(use)] -= bytes;
  found->second -= bytes;
  if (found->second == 0) by_client_.erase(found);
}

// A file whose bytes count in its client's share for as long as it is there. It knows its door only while it
// is asked to grow: the door outlives it.
class ClientSpill::File final : public SpillFile {
 public:
  File(ClientSpill& door, std::unique_ptr<SpillFile> file)
      : door_(door), shares_(door.shares_), use_(door.use_), client_(door.client_), file_(std::move(file)) {}
  ~File() override { shares_.give_back(use_, client_, counted_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  bool append(std::string_view bytes) override {
    if (failed_) return false;
    if (const auto share = door_.shares_.take(door_.use_, client_, bytes.size())) {
      door_.refused_ = *share;
      failed_ = true;
      return false;
    }
    counted_ += bytes.size();
    if (file_->append(bytes)) return true;
    door_.refused_ = SpillShare::store;
    door_.shares_.count_refusal(door_.use_, SpillShare::store);
    failed_ = true;
    recount();
    return false;
  }
  bool read(std::uint64_t offset, std::size_t bytes_max, std::string& out) override {
    return file_->read(offset, bytes_max, out);
  }
  void discard_before(std::uint64_t offset) override {
    file_->discard_before(offset);
    recount();
  }
  std::uint64_t stored_bytes() const override { return file_->stored_bytes(); }

 private:
  void recount() {
    const std::uint64_t now = file_->stored_bytes();
    if (now >= counted_) return;
    shares_.give_back(use_, client_, counted_ - now);
    counted_ = now;
  }

  ClientSpill& door_;  // only while it may grow: a body may outlive its client
  SpillShares& shares_;
  SpillUse use_;
  ClientKey client_;
  std::unique_ptr<SpillFile> file_;
  std::uint64_t counted_ = 0;
  bool failed_ = false;
};

std::unique_ptr<SpillFile> ClientSpill::create(std::string& error) {
  std::unique_ptr<SpillFile> file = store_.create(error);
  if (file == nullptr) {
    refused_ = SpillShare::store;
    shares_.count_refusal(use_, SpillShare::store);
    return nullptr;
  }
  return std::make_unique<File>(*this, std::move(file));
}

std::string ClientSpill::refusal() const {
  const std::string use = use_ == SpillUse::upload ? "uploads" : "answers";
  switch (refused_) {
    case SpillShare::whole:
      return "the spool is full: " + std::to_string(shares_.most()) + " bytes (buffers.spool_max)";
    case SpillShare::use:
      return "all " + use +
             " together have used their part of the spool: " + std::to_string(shares_.most_of_use()) +
             " bytes (three quarters of buffers.spool_max)";
    case SpillShare::client:
      return "this client has used its part of the spool: " + std::to_string(shares_.most_of_client()) +
             " bytes (half of buffers.spool_max)";
    case SpillShare::store: return "the spool file cannot be made or written (buffers.spool_dir)";
  }
  return "";
}

}  // namespace holdfast::core
