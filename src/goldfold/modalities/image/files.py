"""The files of images."""

import re

from goldfold.competition.file_kind import FileKind

FILES = FileKind(
    name="image",
    usual=".jpg",
    suffixes=frozenset(
        {
            *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".pjpeg", ".pjp", ".bmp", ".dib", ".gif", ".tif", ".tiff"),
            *(".webp", ".avif", ".jp2", ".j2k", ".pbm", ".pgm", ".ppm", ".pnm", ".tga", ".npy"),
        }
    ),
    others=frozenset(
        {".dcm", ".dicom", ".nii", ".heic", ".heif", ".svg", ".raw", ".dng", ".cr2", ".nef", ".psd", ".npz", ".exr"}
    ),
    begins=re.compile(
        rb"\xff\xd8\xff|\x89PNG\r\n|GIF8|BM|II\*\0|MM\0\*|RIFF....WEBP|\x93NUMPY|\0\0\0\x0cjP",
        re.DOTALL,
    ),
    blank="a black image",
)
