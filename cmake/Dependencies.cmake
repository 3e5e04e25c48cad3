# Libraries by their Debian names and places; one interface target, wb_deps, carries flags shared by all modules.
find_package(MPI REQUIRED COMPONENTS C)
find_package(PkgConfig REQUIRED)
pkg_check_modules(PETSC REQUIRED IMPORTED_TARGET PETSc)
pkg_check_modules(FFTW REQUIRED IMPORTED_TARGET fftw3)
pkg_check_modules(FFTWF REQUIRED IMPORTED_TARGET fftw3f)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(CJSON REQUIRED IMPORTED_TARGET libcjson)
pkg_check_modules(GDAL REQUIRED IMPORTED_TARGET gdal)
pkg_check_modules(UDUNITS REQUIRED IMPORTED_TARGET udunits)
pkg_check_modules(CMOCKA IMPORTED_TARGET cmocka)
find_library(WB_OPENBLAS openblas REQUIRED)
find_library(WB_DNNL dnnl REQUIRED)
find_path(WB_HDF5_INCLUDE hdf5.h PATHS /usr/include/hdf5/openmpi NO_DEFAULT_PATH REQUIRED)
find_library(WB_HDF5 hdf5 PATHS /usr/lib/x86_64-linux-gnu/hdf5/openmpi /usr/lib/aarch64-linux-gnu/hdf5/openmpi
             NO_DEFAULT_PATH REQUIRED)
find_library(WB_HDF5_HL hdf5_hl PATHS /usr/lib/x86_64-linux-gnu/hdf5/openmpi /usr/lib/aarch64-linux-gnu/hdf5/openmpi
             NO_DEFAULT_PATH REQUIRED)

# safe.directory: a build as root in a user's checkout, or the other way round, may still read the version
execute_process(COMMAND git -c safe.directory=${CMAKE_SOURCE_DIR} describe --always --dirty --tags
                WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
                OUTPUT_VARIABLE WB_GIT_VERSION OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT WB_GIT_VERSION)
  set(WB_GIT_VERSION "unknown")
endif()

add_library(wb_deps INTERFACE)
target_include_directories(wb_deps INTERFACE ${CMAKE_SOURCE_DIR}/include)
target_include_directories(wb_deps SYSTEM INTERFACE ${WB_HDF5_INCLUDE})
target_link_libraries(wb_deps INTERFACE PkgConfig::PETSC MPI::MPI_C m)
target_compile_definitions(wb_deps INTERFACE _GNU_SOURCE
                           $<$<CONFIG:Debug>:WB_DEBUG=1>)
target_compile_options(wb_deps INTERFACE
  -Wall -Wextra -Wshadow -Wstrict-prototypes -Werror=implicit-function-declaration -Wno-unused-parameter -fno-math-errno -fno-trapping-math -fopenmp-simd
  $<$<CONFIG:Release>:-O3>)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  target_compile_options(wb_deps INTERFACE -mprefer-vector-width=512)
endif()
if(WB_WERROR)
  target_compile_options(wb_deps INTERFACE -Werror)
endif()
if(WB_SANITIZE_BUILD)
  target_compile_options(wb_deps INTERFACE -fsanitize=address,undefined -fno-omit-frame-pointer -g
                         -fno-sanitize-recover=undefined)
  target_link_options(wb_deps INTERFACE -fsanitize=address,undefined)
  target_compile_definitions(wb_deps INTERFACE WB_SANITIZE=1)
endif()
if(WB_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "WB_FUZZ needs clang: cmake -DCMAKE_C_COMPILER=clang -DWB_FUZZ=ON")
  endif()
  target_compile_options(wb_deps INTERFACE -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
                         -fno-omit-frame-pointer -g)
  target_link_options(wb_deps INTERFACE -fsanitize=address,undefined)
  target_compile_definitions(wb_deps INTERFACE WB_SANITIZE=1)
endif()
