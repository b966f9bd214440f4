"""Live views: anywidgets whose JavaScript and CSS lie beside them as plain files.

* `bundle`: the files as one module and one style sheet.
* `explorer`: the linked views of a report. `fallback`: what remains of a live view when saved.
* `monitor`: sensor readings as they arrive. `code_view`: Python with a copy button.
"""
