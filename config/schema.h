// The keys of the configuration file, in tables from which reading, printing and the list of keys all follow:
// a key that is read is also printed, and one that is printed is read.
#pragma once

#include <string>
#include <vector>

#include "config/reader.h"
#include "config/writer.h"

namespace holdfast::config {

struct Config;

// Fills `config` from the tree. What is wrong goes to the reader's report; the rest keeps its default.
void read_config(Reader& reader, const NodePtr& root, Config& config);
// Adds the pools and sites of a file that `include` names.
void read_included(Reader& reader, const NodePtr& root, Config& config);
void write_config(Writer& writer, const Config& config);

// Every key with its default, as "pools.NAME.queue.size" and "sites[].root".
std::vector<WrittenKey> schema_keys();

}  // namespace holdfast::config
