// POST /predict/NAME: the body is a picture, the answer is what `predict` would write of it.
//
//   classification  {"model":"m","version":"1","top":[{"index":281,"label":"tabby","score":0.8}]}, "known" where the
//                   model knows what it does not know
//   detection       {..., "boxes":[{"label":"car","index":2,"score":0.9,"box":[left,top,right,bottom]}]}, in pixels
//   segmentation    {..., "mask":"PNG as base64","labels":["road",...]}: the PNG's values are indices of labels; the
//   PNG
//                   itself where the client accepts image/png
#pragma once

#include "serve/http/http_server.h"
#include "serve/inference/inference_service.h"

namespace zoo::serve {

/// Before the server is started. `service` must outlive the server.
void add_predict_route(HttpServer& server, InferenceService& service, size_t max_body);

}  // namespace zoo::serve
