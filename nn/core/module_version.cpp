// What every module tells load_module(): a table of functions means the same in the same version only.
extern "C" {
[[gnu::visibility("default")]] extern const char zoo_module_version[] = ZOO_MODULE_VERSION;
}
