"""What all resources share: who is calling and may they, how lists are asked for and paged, how errors are told."""
