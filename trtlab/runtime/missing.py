"""Members of TensorRT's runtime classes that trtlab's lack, each with what to do."""

NO_RECORDER = "catch TrtlabError, or read the log"
NO_ALLOCATOR = "devices allocate their memory themselves"
NO_NVTX = "runs write no NVTX ranges; set profiler for the times of layers"
NO_DLA = "there are no deep learning accelerators"
_NO_DEBUG = "debug tensors are not available; mark_output shows a tensor's values"
_NO_STREAMING = "weights always lie in device memory"
_NO_FILES = "engines need no temporary files"
_NO_IMPLICIT_BATCH = "batches are a dimension of the inputs; use"
_NO_SHAPE_INPUTS = "engines have no shape inputs; set_input_shape is enough"

RUNTIME = {
    "get_plugin_registry": "plugins are not available",
    "load_runtime": "there is one runtime; engines are read by this one",
    "temporary_directory": _NO_FILES,
    "tempfile_control_flags": _NO_FILES,
}
ENGINE = {
    "create_serialization_config": "engine files always hold everything; use serialize",
    "serialize_with_config": "engine files always hold everything; use serialize",
    "get_engine_stat": "`trtlab inspect engine FILE` tells the size of the weights",
    "weight_streaming_budget": _NO_STREAMING,
    "weight_streaming_budget_v2": _NO_STREAMING,
    "minimum_weight_streaming_budget": _NO_STREAMING,
    "get_weight_streaming_automatic_budget": _NO_STREAMING,
    "weight_streaming_scratch_memory_size": _NO_STREAMING,
    "get_profile_shape_input": _NO_SHAPE_INPUTS,
    "get_location": "use get_tensor_location",
    "get_binding_bytes_per_component": "use get_tensor_bytes_per_component",
    "get_binding_components_per_element": "use get_tensor_components_per_element",
    "get_binding_format": "use get_tensor_format",
    "get_binding_format_desc": "use get_tensor_format_desc",
    "get_binding_vectorized_dim": "use get_tensor_vectorized_dim",
}
CONTEXT = {
    "get_debug_listener": _NO_DEBUG,
    "set_debug_listener": _NO_DEBUG,
    "get_debug_state": _NO_DEBUG,
    "set_tensor_debug_state": _NO_DEBUG,
    "set_all_tensors_debug_state": _NO_DEBUG,
    "unfused_tensors_debug_state": _NO_DEBUG,
    "set_communicator": "engines run on one device",
    "execute": f"{_NO_IMPLICIT_BATCH} execute_v2",
    "execute_async": f"{_NO_IMPLICIT_BATCH} execute_async_v3",
    "get_shape": _NO_SHAPE_INPUTS,
    "set_shape_input": _NO_SHAPE_INPUTS,
}
