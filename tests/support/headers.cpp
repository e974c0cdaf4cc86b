// The program whose precompiled headers all tests use (cmake/zoo_library.cmake).
int main() { return 0; }
