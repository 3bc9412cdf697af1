# Joins live_page.html, .css and .js into one page and writes it as a C++ source.
# cmake -D SOURCE=proxy -D OUTPUT=build/.../live_page.cpp -P live_page.cmake
foreach(part html css js)
  file(READ ${SOURCE}/live_page.${part} ${part})
endforeach()
string(REPLACE "/* live_page.css */" "${css}" html "${html}")
string(REPLACE "/* live_page.js */" "${js}" html "${html}")
set(mark "holdfast_page")
string(FIND "${html}" ")${mark}\"" clash)
if(NOT clash EQUAL -1)
  message(FATAL_ERROR "live_page: the text ends the raw string literal that holds it")
endif()
file(WRITE ${OUTPUT} "// Made from proxy/admin/live_page.html, .css and .js by proxy/admin/live_page.cmake.
#include \"proxy/admin/live_page.h\"

namespace holdfast {

std::string_view live_page() {
  return R\"${mark}(${html})${mark}\";
}

}  // namespace holdfast
")
