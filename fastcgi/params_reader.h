// Reads the PARAMS stream of one request of a web server into a ParamList, so that php-fpm gets the pairs as
// they came: order, repeats, empty and lower-case names included. A pair may be cut by records and by reads
// anywhere (specification 3.3), while php-fpm wants it whole in one record. Only HTTP_PROXY is left out.
// Sans-I/O. Holds at most one cut pair beside the list.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fastcgi/param_list.h"
#include "fastcgi/protocol.h"

namespace holdfast::fastcgi {

class ParamsReader {
 public:
  // A pair that php-fpm would not take from the web server either: it must fit one PARAMS record.
  static constexpr std::size_t kPairBytesMax = kContentBytesMax;

  // Consumes all of `content`: the next bytes of the stream. False when a pair is larger than kPairBytesMax,
  // as its lengths tell, before its bytes are kept; nothing may be fed after that.
  [[nodiscard]] bool feed(std::string_view content);
  // True when the stream may not end here: bytes of a pair have come and others have not.
  bool in_pair() const { return !cut_pair_.empty(); }
  // The whole pairs so far.
  const ParamList& list() const { return list_; }

  // Gives the list to the caller and takes the memory of what `into` held before, for the next request.
  void take(ParamList& into);
  // Ready for another stream; keeps the memory.
  void reset();

 private:
  bool finish_cut_pair(std::string_view& content);
  void append(std::string_view pair, std::string_view name);

  ParamList list_;
  std::string cut_pair_;  // its bytes so far
};

}  // namespace holdfast::fastcgi
