// to_yaml(): the effective configuration, from the tables of the schema.
#include "config/load.h"
#include "config/schema.h"
#include "config/writer.h"

namespace holdfast::config {

std::string to_yaml(const Config& config) {
  Writer writer;
  write_config(writer, config);
  return writer.take_text();
}

}  // namespace holdfast::config
