"""The bundle: a model as files that can be verified and scored with numpy and ONNX Runtime alone."""
