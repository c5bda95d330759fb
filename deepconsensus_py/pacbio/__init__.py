"""What PacBio files are: molecules, names, tags, headers, the kinetics codec, readers and writers."""
