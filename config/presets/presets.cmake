# Writes the files of presets as a C++ source.
# cmake -D SOURCE=config/presets -D OUTPUT=build/.../presets.cpp -P presets.cmake
file(GLOB files ${SOURCE}/*.yaml)
list(SORT files)
set(mark "holdfast_preset")
set(rows "")
set(count 0)
foreach(file IN LISTS files)
  get_filename_component(name ${file} NAME_WE)
  file(READ ${file} text)
  string(FIND "${text}" ")${mark}\"" clash)
  if(NOT clash EQUAL -1)
    message(FATAL_ERROR "presets: ${name} ends the raw string literal that holds it")
  endif()
  string(APPEND rows "    Preset{\"${name}\", R\"${mark}(${text})${mark}\"},\n")
  math(EXPR count "${count} + 1")
endforeach()
file(WRITE ${OUTPUT} "// Made from config/presets/*.yaml by config/presets/presets.cmake.
#include \"config/presets.h\"

#include <array>

namespace holdfast::config {

std::span<const Preset> presets() {
  static constexpr std::array<Preset, ${count}> kPresets = {
${rows}  };
  return kPresets;
}

}  // namespace holdfast::config
")
