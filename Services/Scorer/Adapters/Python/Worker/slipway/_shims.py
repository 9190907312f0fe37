"""Answers imports of Azure's packages where the interpreter has none, so that its scripts run as they are."""

import importlib.abc
import importlib.machinery

from . import http, schema

_SCHEMA = ["ParameterType", "NumpyParameterType", "PandasParameterType", "StandardPythonParameterType",
           "input_schema", "output_schema"]
_MODULES = {
    "inference_schema": {},
    "inference_schema.schema_decorators": {name: getattr(schema, name) for name in ("input_schema", "output_schema")},
    "inference_schema.schema_util": {},
    "inference_schema.parameter_types": {},
    "inference_schema.parameter_types.abstract_parameter_type": {"AbstractParameterType": schema.ParameterType},
    "inference_schema.parameter_types.numpy_parameter_type": {"NumpyParameterType": schema.NumpyParameterType},
    "inference_schema.parameter_types.pandas_parameter_type": {"PandasParameterType": schema.PandasParameterType},
    "inference_schema.parameter_types.standard_py_parameter_type": {
        "StandardPythonParameterType": schema.StandardPythonParameterType},
    "azureml": {},
    "azureml.contrib": {},
    "azureml.contrib.services": {},
    "azureml.contrib.services.aml_request": {"AMLRequest": http.Request, "rawhttp": http.rawhttp},
    "azureml.contrib.services.aml_response": {"AMLResponse": http.Response},
    "azureml_inference_server_http": {},
    "azureml_inference_server_http.api": {},
    "azureml_inference_server_http.api.aml_request": {"AMLRequest": http.Request, "rawhttp": http.rawhttp},
    "azureml_inference_server_http.api.aml_response": {"AMLResponse": http.Response},
}


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Comes last: a package that is installed wins."""

    def find_spec(self, name, path=None, target=None):
        if name not in _MODULES:
            return None
        return importlib.machinery.ModuleSpec(name, self, origin="slipway", is_package=not _MODULES[name])

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        module.__dict__.update(_MODULES[module.__name__])


def install():
    import sys
    sys.meta_path.append(_Finder())
