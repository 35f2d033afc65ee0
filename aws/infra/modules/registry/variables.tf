variable "name" {
  description = "First part of every name."
  type        = string
}

variable "images" {
  description = "Images that have a repository."
  type        = set(string)
  default     = ["server", "train"]
}

variable "key_arn" {
  description = "KMS key of the images."
  type        = string
}

variable "images_kept" {
  description = "Images that each repository keeps."
  type        = number
}
