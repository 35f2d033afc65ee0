variable "name" {
  description = "First part of every name."
  type        = string
}

variable "data_key_arn" {
  description = "KMS key of lake, artifacts, features and workspace."
  type        = string
}

variable "vpc_id" {
  description = "The network."
  type        = string
}

variable "private_subnet_ids" {
  description = "Subnets of the nodes."
  type        = list(string)
}

variable "private_subnet_cidrs" {
  description = "Addresses of those subnets."
  type        = list(string)
}

variable "protect_data" {
  description = "Back up every day, and tag as guarded against teardown."
  type        = bool
}
