variable "region" {
  description = "Region of the state."
  type        = string
  default     = "ap-southeast-1"
}

variable "project" {
  description = "First part of every name."
  type        = string
  default     = "retail-forecast"
}

variable "owner" {
  description = "Who answers for the state: the tag Owner."
  type        = string
}

variable "s3_path_style" {
  description = "Address buckets by path instead of by host name: what gateways and emulators of S3 need."
  type        = bool
  default     = false
}
