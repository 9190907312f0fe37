/* Models as MLflow lays them out: a file `MLmodel` that says where each flavour lies. */
#ifndef MLFLOW_H
#define MLFLOW_H

/* The path, inside the folder, of the model of flavour `onnx`; NULL where there is none. The caller frees it. */
char *mlflow_onnx_path(const char *folder);

#endif
