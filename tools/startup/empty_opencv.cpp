// What a program pays that does nothing but be linked with opencv_core.
#include <opencv2/core/utility.hpp>

int main() { return cv::getVersionMajor() > 0 ? 0 : 1; }
