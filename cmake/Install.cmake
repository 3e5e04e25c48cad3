# cmake --install build --prefix PREFIX: program, library, headers, models, decks, and a pkg-config file. The tree can be
# moved: the program finds its model, and pkg-config its paths, from their own place.
include(GNUInstallDirs)

# The build folder has the installed tree's shape, so that the program finds the model in both by one rule.
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/share)
file(CREATE_LINK ${CMAKE_SOURCE_DIR}/input ${CMAKE_BINARY_DIR}/share/windbridge SYMBOLIC)

get_filename_component(WB_HDF5_FOLDER ${WB_HDF5} DIRECTORY)
get_filename_component(WB_DNNL_FOLDER ${WB_DNNL} DIRECTORY)
file(RELATIVE_PATH WB_PREFIX_OF_PKGCONFIG /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
configure_file(${CMAKE_SOURCE_DIR}/cmake/windbridge.pc.in ${CMAKE_BINARY_DIR}/windbridge.pc @ONLY)

install(TARGETS windbridge RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS windbridge_library ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/windbridge DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/input/ DESTINATION share/windbridge)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/examples DESTINATION share/windbridge PATTERN CMakeLists.txt EXCLUDE)
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE ${CMAKE_SOURCE_DIR}/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES ${CMAKE_BINARY_DIR}/windbridge.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
